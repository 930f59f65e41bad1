/**
 * The tables as drizzle knows them, for typed queries. The tables themselves are made by `migrations/*.sql`; a test compares
 * the two, so that neither can run ahead. Versions are bigint; numbers that stay below 2^53 by their nature are numbers.
 */

import type { Snapshot } from "@sluice/contract";
import { bigint, boolean, doublePrecision, integer, json, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import type { Origin, ResourceChange, ResourceStatus, StoredResource } from "./store.ts";

export { alerts, events } from "./alert-schema.ts";
export {
  acts,
  limitAccounts,
  limitBooks,
  limitLeases,
  limitSessions,
  limitWindows,
  recordEpoch,
  usageCorrections,
} from "./lease-schema.ts";

const version = (name: string) => bigint(name, { mode: "bigint" });
const count = (name: string) => bigint(name, { mode: "number" });

type Texts = Record<string, string>;

export const resources = pgTable(
  "resources",
  {
    kind: text("kind").notNull(),
    namespace: text("namespace").notNull(),
    name: text("name").notNull(),
    uid: text("uid").notNull(),
    generation: count("generation").notNull(),
    resourceVersion: version("resource_version").notNull(),
    createdAtMs: count("created_at_ms").notNull(),
    labels: json("labels").$type<Texts>().notNull(),
    annotations: json("annotations").$type<Texts>().notNull(),
    spec: json("spec").$type<unknown>().notNull(),
    status: json("status").$type<ResourceStatus>().notNull(),
    origin: json("origin").$type<Origin>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.namespace, table.name] })],
);

/** A resource in the history: JSON has no bigint, its version is the row's. */
export type PastResource = Omit<StoredResource, "resourceVersion">;

export const resourceHistory = pgTable("resource_history", {
  resourceVersion: version("resource_version").primaryKey(),
  type: text("type").$type<ResourceChange["type"]>().notNull(),
  kind: text("kind").notNull(),
  namespace: text("namespace").notNull(),
  name: text("name").notNull(),
  changedAtMs: count("changed_at_ms").notNull(),
  resource: json("resource").$type<PastResource>().notNull(),
});

export const resourcePosition = pgTable("resource_position", {
  onlyRow: boolean("only_row").primaryKey(),
  newest: version("newest").notNull(),
  forgotten: version("forgotten").notNull(),
});

export const revisions = pgTable("revisions", {
  revision: count("revision").primaryKey(),
  digest: text("digest").notNull(),
  snapshot: json("snapshot").$type<Snapshot>().notNull(),
  recordedAtMs: count("recorded_at_ms").notNull(),
});

export const revocations = pgTable("revocations", {
  hash: text("hash").primaryKey(),
  key: text("key").notNull(),
  revokedAtMs: count("revoked_at_ms").notNull(),
  by: text("revoked_by").notNull(),
  reason: text("reason").notNull(),
});

export const usage = pgTable(
  "usage",
  {
    instance: text("instance").notNull(),
    seq: count("seq").notNull(),
    requestId: text("request_id").notNull(),
    startedAtMs: count("started_at_ms").notNull(),
    durationMs: doublePrecision("duration_ms").notNull(),
    firstByteMs: doublePrecision("first_byte_ms"),
    outcome: text("outcome").notNull(),
    status: integer("status").notNull(),
    code: text("code"),
    gateway: text("gateway"),
    protocol: text("protocol").notNull(),
    operation: text("operation").notNull(),
    stream: boolean("stream").notNull(),
    key: text("key_name"),
    namespace: text("namespace"),
    team: text("team"),
    service: text("service"),
    user: text("user_name"),
    metadata: jsonb("metadata").$type<Texts>(),
    model: text("model"),
    route: text("route"),
    target: text("target"),
    provider: text("provider"),
    upstreamModel: text("upstream_model"),
    upstreamRequestId: text("upstream_request_id"),
    attempts: integer("attempts").notNull(),
    inputTokens: count("input_tokens"),
    inputAudioTokens: count("input_audio_tokens"),
    cacheReadTokens: count("cache_read_tokens"),
    cacheWrite5mTokens: count("cache_write_5m_tokens"),
    cacheWrite1hTokens: count("cache_write_1h_tokens"),
    cacheWriteOtherTokens: count("cache_write_other_tokens"),
    outputTokens: count("output_tokens"),
    outputReasoningTokens: count("output_reasoning_tokens"),
    outputAudioTokens: count("output_audio_tokens"),
    requestBytes: count("request_bytes").notNull(),
    responseBytes: count("response_bytes").notNull(),
    costNanoUsd: count("cost_nano_usd"),
    heldNanoUsd: count("held_nano_usd"),
    estimated: boolean("estimated"),
    billingReason: text("billing_reason"),
    price: text("price"),
    serviceTier: text("service_tier"),
    claimedUser: text("claimed_user"),
    run: text("run"),
    charges: jsonb("charges").$type<[string, number][]>(),
    folded: count("folded"),
    inputImageTokens: count("input_image_tokens"),
    outputImageTokens: count("output_image_tokens"),
    webSearches: count("web_searches"),
    webFetches: count("web_fetches"),
  },
  (table) => [primaryKey({ columns: [table.instance, table.seq] })],
);

export const usageRejects = pgTable(
  "usage_rejects",
  {
    instance: text("instance").notNull(),
    seq: count("seq").notNull(),
    line: text("line").notNull(),
    reason: text("reason").notNull(),
    rejectedAtMs: count("rejected_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.instance, table.seq] })],
);

export const usageWatermarks = pgTable("usage_watermarks", {
  instance: text("instance").primaryKey(),
  seq: count("seq").notNull(),
});
