/** The table of kinds. A new kind is a file in `resources/`, a line here, and a member of `Resource`. */

import type { ResourceDefinition } from "./resource.ts";
import { type Budget, budget } from "./resources/budget.ts";
import { type Gateway, gateway } from "./resources/gateway.ts";
import { type Provider, provider } from "./resources/provider.ts";
import { type RateLimit, rateLimit } from "./resources/rate-limit.ts";
import { type Route, route } from "./resources/route.ts";
import { type VirtualKey, virtualKey } from "./resources/virtual-key.ts";

export type Resource = Gateway | Provider | Route | VirtualKey | Budget | RateLimit;
export type Kind = Resource["kind"];

/** In the order in which `get all` lists and in which dependents follow what they refer to. */
export const kinds: readonly ResourceDefinition<Kind>[] = [gateway, provider, route, virtualKey, budget, rateLimit];

/** By kind, plural, singular or short name, in any case: what may stand in `sluice get <word>` or in a URL. */
export function findKind(word: string): ResourceDefinition<Kind> | undefined {
  const lower = word.toLowerCase();
  return kinds.find(({ plural, singular, shortName }) => [plural, singular, shortName].includes(lower));
}
