/** The names that a kind goes by on the command line: `route`, `routes`, `srt`, `Route`, `routes.sluice.dev`. */

import { apiGroup, findKind as definitionOf, kinds } from "@sluice/api";
import { CommandError } from "../command-error.ts";

/** Of `Route`: `Route`, `routes`, `route`, `srt`. */
export type KindName = Pick<(typeof kinds)[number], "kind" | "plural" | "singular" | "shortName">;

/** `routes,keys` or `all`, in the order given. */
export function findKinds(words: string): KindName[] {
  if (words === "all" || words === "sluice") return [...kinds];
  return words.split(",").map(findKind);
}

export function findKind(word: string): KindName {
  // As in `sluice keys`: nobody types "virtualkeys" twice.
  if (word === "key" || word === "keys") return findKind("virtualkey");
  const suffix = `.${apiGroup}`;
  const found = definitionOf(word.endsWith(suffix) ? word.slice(0, -suffix.length) : word);
  if (found !== undefined) return found;
  const known = kinds.map(({ plural, shortName }) => `${plural} (${shortName})`).join(", ");
  throw new CommandError(`there is no kind "${word}": known are ${known}, and all`);
}

/** `route.sluice.dev/chat`, as kubectl prints it. */
export function qualifiedName(kind: KindName, name: string): string {
  return `${kind.singular}.${apiGroup}/${name}`;
}

/** `route.sluice.dev "chat"`, as kubectl's sentences have it. */
export function quotedName(kind: KindName, name: string): string {
  return `${kind.singular}.${apiGroup} "${name}"`;
}
