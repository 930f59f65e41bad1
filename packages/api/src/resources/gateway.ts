/** Gateway: where callers reach Sluice, who may come in, and what its Routes start from. */

import { z } from "zod";
import { distinctList } from "../fields/list.ts";
import { hostName } from "../fields/name.ts";
import { allowedNamespaces } from "../fields/reference.ts";
import { maxOutputTokens, retry, timeouts } from "../fields/traffic.ts";
import { type ResourceOf, resource } from "../resource.ts";

const spec = z.strictObject({
  hostnames: distinctList(hostName, { max: 16 })
    .optional()
    .describe("Host names that this Gateway answers to. Left out: every host."),
  basePath: z
    .string()
    .max(128)
    .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/, "must be a path such as /api/inference, without a slash at its end")
    .default("/api/inference")
    .describe("Path before the APIs' own paths. The single Gateway without host names serves `/` as well."),
  allowedNamespaces: allowedNamespaces
    .default({ from: "Same" })
    .describe("Namespaces whose VirtualKeys may call and whose Routes may attach."),
  allowOverrides: distinctList(z.enum(["Routes"]), { max: 1 })
    .optional()
    .describe("`Routes`: for its own keys, a namespace's Route goes before a shared Route of equal exactness."),
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(268_435_456)
    .default(33_554_432)
    .describe("Largest request body, in bytes. A larger one is answered 413."),
  defaults: z
    .strictObject({
      timeouts: timeouts.optional().describe("Deadlines of Routes that do not set their own."),
      retry: retry.optional().describe("Retries of Routes that do not set their own."),
      maxOutputTokens: maxOutputTokens
        .optional()
        .describe("Cap on output of Routes that do not set their own. Left out: what the model can do."),
    })
    .optional()
    .describe("What Routes of this Gateway start from, field by field."),
  unbudgeted: z
    .enum(["Allow", "Warn", "Refuse"])
    .default("Warn")
    .describe(
      "What happens to calls that no enforcing Budget covers. `Warn`: they pass, and their keys say `Budgeted=False`. `Refuse`: they are refused.",
    ),
  logging: z
    .strictObject({
      onOverflow: z
        .enum(["Fold", "Refuse"])
        .optional()
        .describe(
          "When a data plane's disk for usage records is nearly full: `Fold` adds records up into sums, `Refuse` refuses calls. Effective default: `Fold`.",
        ),
    })
    .optional()
    .describe("How calls are recorded."),
});

const status = z.strictObject({
  url: z.string().max(2048).optional().describe("Base URL for callers."),
  revision: z.int().min(0).optional().describe("Newest published revision."),
  digest: z.string().max(80).optional().describe("Digest of that revision."),
  dataPlanes: z
    .strictObject({
      desired: z.int().min(0).describe("Data planes that should serve the revision."),
      current: z.int().min(0).describe("Data planes that serve it."),
      rejected: z.int().min(0).optional().describe("Data planes that refused it and serve an older one."),
      silent: z.int().min(0).optional().describe("Data planes that have not been heard of lately."),
      summary: z.string().max(64).optional().describe("`current/desired`."),
    })
    .optional()
    .describe("How far the revision has come."),
});

export const gateway = resource({
  kind: "Gateway",
  shortName: "sgw",
  description:
    "A Gateway is where applications reach Sluice: host names, base path, who may come in, and the defaults of its Routes. It lives in the system namespace.",
  spec,
  status,
  columns: [
    { name: "Revision", type: "integer", jsonPath: ".status.revision", description: "Newest published revision." },
    {
      name: "DataPlanes",
      type: "string",
      jsonPath: ".status.dataPlanes.summary",
      description: "Data planes at that revision, of all.",
    },
    { name: "URL", type: "string", jsonPath: ".status.url", description: "Base URL for callers." },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata: { name: main, namespace: default }
spec:
  allowedNamespaces: { from: All }
  defaults:
    timeouts: { firstByte: 30s, total: 5m }
`,
});
export type GatewaySpec = z.output<typeof spec>;
export type Gateway = ResourceOf<"Gateway", GatewaySpec>;
