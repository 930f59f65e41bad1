/** The tables of limits and acts, as `schema.ts` has the others. */

import { bigint, boolean, json, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

const count = (name: string) => bigint(name, { mode: "number" });
const amount = (name: string) => bigint(name, { mode: "bigint" });

export const recordEpoch = pgTable("record_epoch", {
  onlyRow: boolean("only_row").primaryKey(),
  version: count("version").notNull(),
  epoch: text("epoch").notNull(),
  sinceMs: count("since_ms").notNull(),
  doubled: boolean("doubled").notNull(),
});

export const limitSessions = pgTable("limit_sessions", {
  session: text("session").primaryKey(),
  version: count("version").notNull(),
  state: text("state").notNull(),
  secretHash: text("secret_hash").notNull(),
  instanceName: text("instance_name").notNull(),
  incarnation: count("incarnation").notNull(),
  sequence: count("sequence").notNull(),
  digest: text("digest").notNull(),
  heardAtMs: count("heard_at_ms").notNull(),
  epoch: text("epoch").notNull(),
});

export const limitWindows = pgTable("limit_windows", {
  rule: text("rule").primaryKey(),
  version: count("version").notNull(),
  startsAtMs: count("starts_at_ms").notNull(),
  endsAtMs: count("ends_at_ms").notNull(),
  accounts: count("accounts").notNull(),
});

export const limitAccounts = pgTable("limit_accounts", {
  id: text("id").primaryKey(),
  version: count("version").notNull(),
  limitUid: text("limit_uid").notNull(),
  rule: text("rule").notNull(),
  endsAtMs: count("ends_at_ms"),
  closed: amount("closed").notNull(),
  carried: amount("carried").notNull(),
  expired: amount("expired").notNull(),
  expiring: jsonb("expiring").$type<[number, string][]>().notNull(),
  recalledAtMs: count("recalled_at_ms").notNull(),
});

export const limitLeases = pgTable(
  "limit_leases",
  {
    account: text("account").notNull(),
    session: text("session").notNull(),
    granted: amount("granted").notNull(),
    returned: amount("returned").notNull(),
    settled: amount("settled").notNull(),
    reserved: amount("reserved").notNull(),
    state: text("state").notNull(),
  },
  (table) => [primaryKey({ columns: [table.account, table.session] })],
);

export const limitBooks = pgTable("limit_books", {
  uid: text("uid").primaryKey(),
  version: count("version").notNull(),
  body: text("body").notNull(),
});

export const acts = pgTable("acts", {
  id: text("id").primaryKey(),
  kind: text("kind").$type<"Stop" | "BudgetOverride">().notNull(),
  body: json("body").notNull(),
  by: text("by_whom").notNull(),
  reason: text("reason").notNull(),
  createdAtMs: count("created_at_ms").notNull(),
  untilMs: count("until_ms"),
  undoneAtMs: count("undone_at_ms"),
  undoneBy: text("undone_by"),
  undoneReason: text("undone_reason"),
});

export const usageCorrections = pgTable("usage_corrections", {
  id: text("id").primaryKey(),
  instance: text("instance").notNull(),
  seq: count("seq").notNull(),
  kind: text("kind").$type<"Reprice" | "Settle">().notNull(),
  deltaCostNanoUsd: amount("delta_cost_nano_usd").notNull(),
  deltaHeldNanoUsd: amount("delta_held_nano_usd").notNull(),
  price: text("price"),
  by: text("by_whom").notNull(),
  reason: text("reason").notNull(),
  atMs: count("at_ms").notNull(),
});
