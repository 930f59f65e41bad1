/** The catalog: models that a provider of a type is known to have, for `GET /models` where a Provider lists none itself. */

import type { ProviderSpec } from "@sluice/api";

export type Catalog = {
  readonly modelsByProviderType: Readonly<Partial<Record<ProviderSpec["type"], readonly string[]>>>;
};

/** Names for lists only: what is not here can be called all the same. */
export const builtInCatalog: Catalog = {
  modelsByProviderType: {
    OpenAI: [
      "gpt-4.1",
      "gpt-4.1-mini",
      "gpt-4.1-nano",
      "gpt-4o",
      "gpt-4o-mini",
      "gpt-5",
      "gpt-5-mini",
      "gpt-5-nano",
      "o3",
      "o4-mini",
      "text-embedding-3-large",
      "text-embedding-3-small",
    ],
    Anthropic: ["claude-haiku-4-5", "claude-opus-4-1", "claude-opus-4-5", "claude-sonnet-4-5"],
  },
};
