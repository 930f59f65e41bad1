/**
 * Snapshot: everything a data plane needs to serve, compiled from the resources. Plain JSON; equal resources give equal
 * bytes. Virtual keys (`key-entry.ts`) and credentials (`credential-entry.ts`) travel beside it, so that a new key or a
 * rotated secret is no new snapshot.
 */

import { z } from "zod";
import { limitPlan } from "./limit-plan.ts";
import { modelPlan, pricePlan } from "./price-plan.ts";
import { stopPlan } from "./stop-plan.ts";

/** The format this code writes, and the oldest reader that understands it. Fields that format 1 had not have a default. */
export const snapshotFormat = 2;

/** `namespace/name` of a resource. */
const resourceId = z.string();

/** How requests to a provider prove who pays. The value is looked up by `credential` in the bucket `credentials`. */
const authPlan = z.strictObject({
  header: z.enum(["authorization", "x-api-key", "api-key", "x-goog-api-key"]),
  /** `namespace/secret/key`. */
  credential: z.string(),
});
export type AuthPlan = z.infer<typeof authPlan>;

const providerPlan = z.strictObject({
  id: resourceId,
  /** The wire format that the provider speaks. */
  protocol: z.enum(["openai", "anthropic"]),
  /** Scheme and authority, without a trailing slash: `https://api.openai.com`. */
  origin: z.string(),
  /** What goes before an operation's path, with its version segment: `/v1`. May be empty; no trailing slash. */
  basePath: z.string(),
  /** Absent: requests go up without a credential. */
  auth: authPlan.optional(),
  /** Added to each request; `{{team}}`, `{{service}}`, `{{user}}`, `{{key}}` are filled in, a header with an empty one is left out. */
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Names that `GET /models` lists for a wildcard Route; absent: none are known. */
  models: z.array(z.string()).optional(),
  /** How its chat API calls the cap on output: OpenAI's newest models know only the longer name, many servers only the shorter. */
  outputCapField: z.enum(["max_tokens", "max_completion_tokens"]).default("max_tokens"),
  /** Price and bounds of its models, in no order. */
  catalog: z.array(modelPlan).default([]),
});
export type ProviderPlan = z.infer<typeof providerPlan>;

const targetPlan = z.strictObject({
  name: z.string(),
  provider: resourceId,
  /** The name sent upstream; absent: the name that the caller used. */
  model: z.string().optional(),
  /** Share inside its tier, 0 or more. 0 takes calls only when the others of its tier have failed. */
  weight: z.int().min(0),
});
export type TargetPlan = z.infer<typeof targetPlan>;

export const retryReasons = ["ConnectFailure", "Timeout", "RateLimited", "ServerError"] as const;
export type RetryReason = (typeof retryReasons)[number];

const routePlan = z.strictObject({
  id: resourceId,
  namespace: z.string(),
  /** `gpt-4o`, `gpt-*` or `*`. */
  models: z.array(z.string()),
  /** Tier 0 first; the targets of one tier share its calls by weight. Never empty, no tier is empty. */
  tiers: z.array(z.array(targetPlan)),
  retry: z.strictObject({
    /** Further upstream calls after the first, over all targets. */
    attempts: z.int().min(0),
    on: z.array(z.enum(retryReasons)),
  }),
  timeouts: z.strictObject({
    /** Until the first event with content of a stream; for an answer in one piece it counts only where the Route sets it. */
    firstByteMs: z.int().min(1),
    firstByteForWhole: z.boolean(),
    idleMs: z.int().min(1),
    totalMs: z.int().min(1),
  }),
  /** The most that a call may ask for, whatever its model could do. */
  maxOutputTokens: z.int().min(1).optional(),
  /** Whether an answer whose caller went away is read on, for its usage. */
  onAbort: z.enum(["Cancel", "DrainForUsage"]).default("Cancel"),
});
export type RoutePlan = z.infer<typeof routePlan>;

const gatewayPlan = z.strictObject({
  id: resourceId,
  namespace: z.string(),
  /** Exact host names, lower case; empty: every host. */
  hostnames: z.array(z.string()),
  /** `/api/inference`; no trailing slash. */
  basePath: z.string(),
  /** Whether `/` is served too: only the single Gateway without host names. */
  servesRoot: z.boolean(),
  bodyBytesMax: z.int().min(1),
  /** Namespaces whose keys may call; absent: all. */
  admits: z.array(z.string()).optional(),
  /** Routes of a key's own namespace go before shared ones of equal exactness. */
  routeOverrides: z.boolean(),
  /** What happens to calls that no enforcing Budget covers. */
  unbudgeted: z.enum(["Allow", "Warn", "Refuse"]).default("Allow"),
  /** When the spool is nearly full: usage events are folded into sums, or calls are refused. */
  onOverflow: z.enum(["Fold", "Refuse"]).default("Fold"),
  routes: z.array(routePlan),
});
export type GatewayPlan = z.infer<typeof gatewayPlan>;

export const snapshot = z.strictObject({
  format: z.int(),
  minReader: z.int(),
  gateways: z.array(gatewayPlan),
  providers: z.array(providerPlan),
  /** By their keys in `catalog`. */
  prices: z.record(z.string(), pricePlan).default({}),
  limits: z.array(limitPlan).default([]),
  stops: z.array(stopPlan).default([]),
});
export type Snapshot = z.infer<typeof snapshot>;

/** The pointer in the bucket `snapshots` under `current`: written last, names what to fetch and how to check it. */
export const snapshotPointer = z.strictObject({
  revision: z.int(),
  /** `sha256:` and 64 hexadecimal digits, over the canonical JSON of the snapshot. */
  digest: z.string(),
  /** Bucket key of the body. */
  key: z.string(),
});
export type SnapshotPointer = z.infer<typeof snapshotPointer>;
