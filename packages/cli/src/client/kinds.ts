/** The names that a kind goes by on the command line: `route`, `routes`, `srt`, `Route`, `routes.sluice.dev`. */

import { apiVersion, group, kinds } from "@sluice/api";
import { CommandError } from "../command-error.ts";

export type KindName = {
  readonly apiVersion: string;
  /** `Route`, `routes`, `route`, `srt`. */
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
};

export const allKinds: readonly KindName[] = Object.values(kinds).map(({ kind, plural, singular, shortName }) => ({
  apiVersion,
  kind,
  plural,
  singular,
  shortName,
}));

/** `routes,keys` or `all`, in the order given. */
export function findKinds(words: string): KindName[] {
  if (words === "all" || words === "sluice") return [...allKinds];
  return words.split(",").map(findKind);
}

export function findKind(word: string): KindName {
  const name = word.toLowerCase().replace(new RegExp(`\\.${group.replaceAll(".", "\\.")}$`), "");
  const found = allKinds.find((kind) => [kind.singular, kind.plural, kind.shortName].includes(name));
  if (found !== undefined) return found;
  const known = allKinds.map(({ plural, shortName }) => `${plural} (${shortName})`).join(", ");
  throw new CommandError(`there is no kind "${word}": known are ${known}, and all`);
}

/** `route.sluice.dev/chat`, as kubectl prints it. */
export function qualifiedName(kind: KindName, name: string): string {
  return `${kind.singular}.${group}/${name}`;
}

/** `route.sluice.dev "chat"`, as kubectl's sentences have it. */
export function quotedName(kind: KindName, name: string): string {
  return `${kind.singular}.${group} "${name}"`;
}
