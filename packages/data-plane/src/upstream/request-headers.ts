/** The headers of an upstream call: built anew, from the provider's plan and the caller's few that go up. */

import type { KeyEntry, ProviderPlan } from "@sluice/contract";
import type { Secret } from "../secret.ts";

export type UpstreamHeaders =
  | { readonly kind: "headers"; readonly list: string[] }
  | { readonly kind: "credential-missing" };

export function upstreamHeaders(input: {
  provider: ProviderPlan;
  caller: KeyEntry;
  forward: readonly string[];
  credentials: ReadonlyMap<string, Secret>;
}): UpstreamHeaders {
  const { provider, caller, forward, credentials } = input;
  // Compressed answers could not be read on their way; we would have to undo what we did not ask for.
  const list = ["content-type", "application/json", "accept-encoding", "identity"];
  if (provider.auth !== undefined) {
    const credential = credentials.get(provider.auth.credential);
    if (credential === undefined) return { kind: "credential-missing" };
    list.push(provider.auth.header, provider.auth.header === "authorization" ? credential.bearer : credential.text);
  }
  for (const [name, template] of provider.headers) {
    const value = filled(template, caller);
    if (value !== undefined) list.push(name, value);
  }
  for (const item of forward) list.push(item);
  return { kind: "headers", list };
}

const placeholder = /\{\{(team|service|user|key)\}\}/g;

/** Undefined when a name in the template has no value: a header is left out rather than sent half empty. */
function filled(template: string, caller: KeyEntry): string | undefined {
  let missing = false;
  const value = template.replace(placeholder, (_whole, name: "team" | "service" | "user" | "key") => {
    const text = name === "key" ? caller.id : caller[name];
    if (text === undefined || text === "") missing = true;
    return text ?? "";
  });
  return missing ? undefined : value.replace(/[^\x20-\x7e]/g, encodeURIComponent);
}
