/** Budget: how much the calls that a selector matches may spend in a window. */

import { z } from "zod";
import { maxAccounts, maxWait, mode, whenUnavailable } from "../fields/enforcement.ts";
import { limitWindow } from "../fields/limit-window.ts";
import { namedList, numberedList } from "../fields/list.ts";
import { decimalUsd, tokenAmount } from "../fields/money.ts";
import { labelName } from "../fields/name.ts";
import { secretReference } from "../fields/reference.ts";
import { withKubernetesMeta } from "../fields/rule.ts";
import { callSelector, per } from "../fields/selector.ts";
import { exactlyOne } from "../fields/union.ts";
import { type ResourceOf, resource } from "../resource.ts";
import { accountsStatus, actStatus } from "./limit-status.ts";

const amount = exactlyOne(
  z.strictObject({
    usd: decimalUsd.optional().describe('US dollars, as a decimal in quotes: `"500.00"`. `"0"` blocks.'),
    tokens: tokenAmount.optional().describe("Tokens, input and output together. 0 blocks."),
  }),
  ["usd", "tokens"],
);

const override = z.strictObject({
  name: labelName.describe("Name of the override, unique in its Budget."),
  values: z
    .record(z.string().min(1).max(72), z.string().min(1).max(256))
    .meta({ maxProperties: 4 })
    .describe("Which account: a value for each member of `per`, such as `{ Service: batch }`."),
  limit: amount.describe("Its own amount, in the unit of the Budget."),
});

const alert = z.strictObject({
  atPercent: z.int().min(1).max(1000).describe("Told once an account and window, when so much of the limit is spent."),
  webhook: z
    .strictObject({
      url: z
        .string()
        .max(2048)
        .regex(/^https?:\/\/[^\s]+$/, "must be an http:// or https:// URL")
        .describe("Receives a POST with JSON. Link-local and metadata addresses are refused."),
      secretRef: secretReference.describe("Key of the signature in `x-sluice-signature`."),
    })
    .optional()
    .describe("Left out: conditions and Events alone."),
});

const fields = z.strictObject({
  selector: callSelector
    .optional()
    .describe("Which calls are charged: all parts that are present must match. Left out: all."),
  per: per
    .optional()
    .describe(
      "What splits the Budget into accounts, each with the whole limit: `Team`, `Service`, `User`, `Key`, `Model`, `Provider`, `Route`, `Metadata/<name>`. Left out: one account. `User` and `Metadata/…` may be claimed by a call, so they need a limit over the same calls without them.",
    ),
  limit: amount.describe("The amount: exactly one of `usd` and `tokens`."),
  window: limitWindow.optional().describe("When the amount begins anew. Left out: never."),
  overrides: namedList(override, { max: 256 }).optional().describe("Other amounts for single accounts."),
  mode,
  whenShort: z
    .enum(["Reject", "Clamp"])
    .default("Reject")
    .describe(
      "A call that asks for more output than is left: `Reject` says what would fit, `Clamp` lowers its cap to that.",
    ),
  maxWait,
  whenUnavailable: whenUnavailable
    .default("Refuse")
    .describe("When the record can't be reached and what was leased is spent. `Allow` may exceed the limit."),
  maxAccounts,
  alerts: numberedList(alert, { key: "atPercent", max: 16 }).optional().describe("Thresholds that are told."),
});

const unitMessage = "must be in the unit of the Budget's own limit";
const valuesMessage = "must name each member of per, and nothing else";

/** Rules over the items of a list, each told at its item. */
const spec = withKubernetesMeta(
  fields.superRefine(({ per = [], limit, overrides = [] }, context) => {
    const accounts = new Set<string>();
    for (const [index, { values, limit: own }] of overrides.entries()) {
      const say = (path: string[], message: string) =>
        context.addIssue({ code: "custom", path: ["overrides", index, ...path], message });
      if ((limit.usd === undefined) !== (own.usd === undefined)) say(["limit"], unitMessage);
      const named = Object.keys(values);
      if (named.length !== per.length || !per.every((dimension) => named.includes(dimension)))
        say(["values"], valuesMessage);
      const account = JSON.stringify(per.map((dimension) => values[dimension]));
      if (accounts.size === accounts.add(account).size) say(["values"], "are those of an earlier override");
    }
  }),
  {
    cel: [
      {
        rule: "!has(self.overrides) || self.overrides.all(o, has(o.limit.usd) == has(self.limit.usd))",
        message: `overrides[].limit ${unitMessage}`,
      },
      {
        rule: "!has(self.overrides) || (has(self.per) && self.overrides.all(o, o.values.size() == self.per.size() && self.per.all(p, p in o.values)))",
        message: `overrides[].values ${valuesMessage}`,
      },
    ],
  },
);

const status = z.strictObject({
  limit: z.string().max(64).optional().describe("The amount, `500.00 USD`."),
  ...accountsStatus,
  overrides: z
    .array(actStatus)
    .max(64)
    .optional()
    .describe("Amounts that hold for a while, by `sluice budget override`."),
});

export const budget = resource({
  kind: "Budget",
  shortName: "sbg",
  description:
    "A Budget is how much the calls that it selects may spend in a window: US dollars or tokens, as a whole or for each team, service, user, key or run. It holds over all data planes together, and is never exceeded. In the system namespace it applies to every caller, elsewhere to the keys of its own namespace.",
  spec,
  status,
  columns: [
    { name: "Limit", type: "string", jsonPath: ".status.limit", description: "The amount of each account." },
    {
      name: "Fullest",
      type: "string",
      jsonPath: ".status.fullest",
      description: "The account that is nearest to its limit.",
    },
    { name: "Spent", type: "string", jsonPath: ".status.spent", description: "Spent of all accounts in this window." },
    { name: "Resets", type: "string", jsonPath: ".status.window.endsAt", description: "When the window turns." },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: search-monthly, namespace: default }
spec:
  selector: { services: [search, classify] }
  per: [Service]
  limit: { usd: "500.00" }
  window: { calendar: Month, timezone: Europe/Berlin }
  overrides:
    - { name: classify, values: { Service: classify }, limit: { usd: "20.00" } }
  alerts:
    - { atPercent: 80 }
`,
});
export type BudgetSpec = z.output<typeof spec>;
export type Budget = ResourceOf<"Budget", BudgetSpec>;
