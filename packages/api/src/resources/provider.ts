/** Provider: an account at a vendor, or a model server of one's own; holds a reference to the only copy of its credential. */

import { z } from "zod";
import { header } from "../fields/header.ts";
import { immutable } from "../fields/immutable.ts";
import { namedList } from "../fields/list.ts";
import { modelPattern } from "../fields/model.ts";
import { decimalPercent } from "../fields/money.ts";
import { modelPrice } from "../fields/price.ts";
import { allowedNamespaces, secretReference } from "../fields/reference.ts";
import { withRule } from "../fields/rule.ts";
import { maxOutputTokens } from "../fields/traffic.ts";
import { memberByType } from "../fields/union.ts";
import { type ResourceOf, resource } from "../resource.ts";

export const providerTypes = ["OpenAI", "Anthropic", "OpenAICompatible"] as const;

const credential = memberByType(
  z.strictObject({
    type: z
      .enum(["APIKey", "None"])
      .describe("`APIKey`: a key from a Secret. `None`: requests go up without a credential."),
    apiKey: z
      .strictObject({ secretRef: secretReference.describe("The Secret's value that is the key.") })
      .optional()
      .describe("Set when type is APIKey, and only then."),
  }),
  { APIKey: "apiKey", None: undefined },
);

const model = z.strictObject({
  name: modelPattern.describe(
    "The model's name at the provider, or a prefix such as `gpt-4o-*`, for a family of one price.",
  ),
  price: modelPrice
    .optional()
    .describe(
      'Left out: the catalog\'s. A model that neither knows is unpriced, which is closed to callers under a USD Budget; one that costs nothing says `"0"`.',
    ),
  contextWindow: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe("Most tokens it reads and writes in one call. Left out: the catalog's."),
  maxOutputTokens: maxOutputTokens.optional().describe("Most tokens it writes in one call. Left out: the catalog's."),
});

const spec = withRule(
  z.strictObject({
    type: immutable(z.enum(providerTypes)).describe(
      "Whose API it speaks. `OpenAICompatible`: vLLM, Ollama, llama.cpp, TGI and others. Cannot be changed.",
    ),
    baseUrl: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\s]+$/, "must be an http:// or https:// URL")
      .optional()
      .describe(
        "Where the API is, with or without `/v1`. Required for OpenAICompatible; effective default: the vendor's own. Link-local and metadata addresses are refused.",
      ),
    credential: credential.describe("How requests prove who pays."),
    models: namedList(model, { max: 256 })
      .optional()
      .describe(
        "Models that are listed for a wildcard Route, with what is known of them beyond the catalog. Left out: the well-known ones of its type. It restricts nothing.",
      ),
    pricing: z
      .strictObject({
        discountPercent: decimalPercent
          .optional()
          .describe('Off the catalog\'s prices, as negotiated: `"12.5"`. A price in `models` is taken as it stands.'),
      })
      .optional()
      .describe("How this account's prices differ from the catalog's."),
    allowedNamespaces: allowedNamespaces
      .default({ from: "Same" })
      .describe("Namespaces whose Routes may use this Provider."),
    headers: namedList(header, { max: 16 }).optional().describe("Headers added to each request."),
  }),
  {
    cel: "self.type != 'OpenAICompatible' || has(self.baseUrl)",
    message: "baseUrl is required when type is OpenAICompatible",
    holds: (value) => value.type !== "OpenAICompatible" || value.baseUrl !== undefined,
    path: ["baseUrl"],
  },
);

const status = z.strictObject({
  models: z.int().min(0).optional().describe("Number of models it is known to have."),
  pricedModels: z.int().min(0).optional().describe("Number of names and families that have a price."),
});

export const provider = resource({
  kind: "Provider",
  shortName: "spv",
  description:
    "A Provider is an account at a vendor (OpenAI, Anthropic) or a model server of your own. It names the Secret that holds the credential; applications never see it.",
  spec,
  status,
  columns: [
    { name: "Type", type: "string", jsonPath: ".spec.type", description: "Whose API it speaks." },
    { name: "Models", type: "integer", jsonPath: ".status.models", description: "Number of known models." },
    {
      name: "Priced",
      type: "integer",
      jsonPath: ".status.pricedModels",
      description: "Names and families that have a price.",
      priority: 1,
    },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: openai, namespace: default }
spec:
  type: OpenAI
  credential: { type: APIKey, apiKey: { secretRef: { name: openai, key: api-key } } }
  allowedNamespaces: { from: All }
`,
});
export type ProviderSpec = z.output<typeof spec>;
export type Provider = ResourceOf<"Provider", ProviderSpec>;
