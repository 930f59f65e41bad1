/** RateLimit: how fast the calls that a selector matches may come, and how many at once. */

import { z } from "zod";
import { durationBetween, durationMs } from "../fields/duration.ts";
import { maxAccounts, maxWait, mode, whenUnavailable } from "../fields/enforcement.ts";
import { namedList } from "../fields/list.ts";
import { labelName } from "../fields/name.ts";
import { withKubernetesMeta, withRule } from "../fields/rule.ts";
import { callSelector, per } from "../fields/selector.ts";
import { exactlyOne } from "../fields/union.ts";
import { type ResourceOf, resource } from "../resource.ts";
import { accountsStatus } from "./limit-status.ts";

const countMax = 1_000_000_000_000;

const limit = withRule(
  exactlyOne(
    z.strictObject({
      name: labelName.describe("Name of the limit, unique in its RateLimit."),
      requests: z.int().min(1).max(countMax).optional().describe("Calls in the window."),
      tokens: z.int().min(1).max(countMax).optional().describe("Tokens in the window, input and output together."),
      concurrent: z.int().min(1).max(1_000_000).optional().describe("Calls in flight at once."),
      window: durationBetween("1s", "24h")
        .optional()
        .describe(
          "Of `requests` and `tokens`: 1s to 24h. From a minute on, windows turn for all at once; shorter ones flow.",
        ),
    }),
    ["requests", "tokens", "concurrent"],
  ),
  {
    cel: "has(self.window) != has(self.concurrent)",
    message: "window must be set for requests and tokens, and only then",
    holds: ({ window, concurrent }) => (window !== undefined) !== (concurrent !== undefined),
    path: ["window"],
  },
);

const twiceMessage = "limits the same thing in the same window as an earlier item";

const limits = withKubernetesMeta(
  namedList(limit, { min: 1, max: 8 }).superRefine((items, context) => {
    const seen = new Set<string>();
    for (const [index, { requests, tokens, window = "" }] of items.entries()) {
      const unit = requests !== undefined ? "requests" : tokens !== undefined ? "tokens" : "concurrent";
      if (seen.size === seen.add(`${unit} ${durationMs(window)}`).size)
        context.addIssue({ code: "custom", path: [index], message: twiceMessage, params: { duplicate: true } });
    }
  }),
  {
    listMapKey: "name",
    cel: [
      {
        rule: "self.all(a, self.filter(b, has(a.requests) == has(b.requests) && has(a.tokens) == has(b.tokens) && (has(a.window) && has(b.window) ? duration(a.window) == duration(b.window) : !has(a.window) && !has(b.window))).size() == 1)",
        message: "an item must not limit the same thing in the same window as another",
      },
    ],
  },
);

const spec = z.strictObject({
  selector: callSelector
    .optional()
    .describe("Which calls are counted: all parts that are present must match. Left out: all."),
  per: per
    .optional()
    .describe(
      "What splits the limits into accounts, each with the whole amount: `Team`, `Service`, `User`, `Key`, `Model`, `Provider`, `Route`, `Metadata/<name>`. Left out: one account. `User` and `Metadata/…` may be claimed by a call, so they need a limit over the same calls without them.",
    ),
  limits: limits.describe("All of them must have room."),
  mode,
  maxWait,
  whenUnavailable: whenUnavailable
    .default("Allow")
    .describe(
      "When the record can't be reached: `Allow` goes on with the last share, `Refuse` stops when it has run out.",
    ),
  maxAccounts,
});

const status = z.strictObject({
  limits: z.string().max(300).optional().describe("The amounts in short: `60 requests/1m, 32 concurrent`."),
  ...accountsStatus,
});

export const rateLimit = resource({
  kind: "RateLimit",
  shortName: "srl",
  description:
    "A RateLimit is how many calls or tokens the calls that it selects may take in a window of 1s to 1d, or how many may be in flight at once, over all data planes together. In the system namespace it applies to every caller, elsewhere to the keys of its own namespace.",
  spec,
  status,
  columns: [
    { name: "Limits", type: "string", jsonPath: ".status.limits", description: "The amounts of each account." },
    {
      name: "Fullest",
      type: "string",
      jsonPath: ".status.fullest",
      description: "The account that is nearest to its limit.",
    },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: RateLimit
metadata: { name: per-key, namespace: default }
spec:
  per: [Key]
  limits:
    - { name: per-minute, requests: 600, window: 1m }
    - { name: tokens, tokens: 200000, window: 1m }
    - { name: at-once, concurrent: 32 }
`,
});
export type RateLimitSpec = z.output<typeof spec>;
export type RateLimit = ResourceOf<"RateLimit", RateLimitSpec>;
