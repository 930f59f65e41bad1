/** Route: which model names are answered, and by which targets. */

import { z } from "zod";
import { distinctList, namedList } from "../fields/list.ts";
import { modelName, modelPattern } from "../fields/model.ts";
import { labelName } from "../fields/name.ts";
import { gatewayReference, objectReference } from "../fields/reference.ts";
import { maxOutputTokens, retry, timeouts } from "../fields/traffic.ts";
import { type ResourceOf, resource } from "../resource.ts";

const target = z.strictObject({
  name: labelName.describe("Name of the target, unique in its Route; usage records tell it."),
  providerRef: objectReference.describe(
    "The Provider that answers. One of another namespace must allow it by its allowedNamespaces.",
  ),
  model: modelName.optional().describe("Name sent to the provider. Left out: the name that the caller used."),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("Share inside its tier; 0 takes calls only when the others have failed. Effective default: 1."),
  tier: z
    .int()
    .min(0)
    .max(15)
    .optional()
    .describe("Tiers are tried in order: 1 is used when every target of 0 has failed. Effective default: 0."),
});

const spec = z.strictObject({
  gatewayRefs: z
    .array(gatewayReference)
    .min(1)
    .max(8)
    .optional()
    .describe(
      "Gateways that serve this Route. Left out: the Gateway that admits this namespace; the oldest, where several do.",
    ),
  models: distinctList(modelPattern, { min: 1, max: 64 }).describe(
    "Names that callers ask for: a name, a prefix such as `gpt-*`, or `*`. An exact name goes before the longest prefix, that before `*`.",
  ),
  targets: namedList(target, { min: 1, max: 16 }).describe("Who answers."),
  retry: retry.optional().describe("Retries; what is left out comes from the Gateway's defaults."),
  timeouts: timeouts.optional().describe("Deadlines; what is left out comes from the Gateway's defaults."),
  maxOutputTokens: maxOutputTokens
    .optional()
    .describe(
      "The most output that a call may ask for. A budget reserves by it, so a cap near what answers really take lets more calls run at once. Left out: the Gateway's default, else what the model can do.",
    ),
  onAbort: z
    .enum(["Cancel", "DrainForUsage"])
    .optional()
    .describe(
      "When a caller goes away: `Cancel` ends the upstream call and charges what can be proven, `DrainForUsage` reads on for the true figure. Effective default: `Cancel`.",
    ),
});

const status = z.strictObject({});

export const route = resource({
  kind: "Route",
  shortName: "srt",
  description:
    "A Route answers model names by targets, each a model at a Provider: shared by weight inside a tier, tiers in order. In the Gateway's namespace it serves every caller, elsewhere the keys of its own namespace.",
  spec,
  status,
  columns: [
    { name: "Models", type: "string", jsonPath: ".spec.models[*]", description: "Names that callers ask for." },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: chat, namespace: default }
spec:
  models: [chat, gpt-4o]
  targets:
    - { name: main, providerRef: { name: openai }, model: gpt-4o, weight: 90 }
    - { name: canary, providerRef: { name: openai }, model: gpt-4o-mini, weight: 10 }
    - { name: on-prem, providerRef: { name: llama }, model: llama-3.3-70b, tier: 1 }
  timeouts: { firstByte: 30s }
`,
});
export type RouteSpec = z.output<typeof spec>;
export type Route = ResourceOf<"Route", RouteSpec>;
