/** What `get`, `describe` and `delete` are pointed at: `routes`, `route chat`, `route/chat svk/team-a`, `all`. */

import { CommandError } from "../command-error.ts";
import { findKind, findKinds, type KindName } from "./kinds.ts";

export type Target = { readonly kind: KindName; readonly name?: string };

export function parseTargets(words: readonly string[]): Target[] {
  const [first = "", ...names] = words;
  if (words.some((word) => word.includes("/"))) return words.map(parseSlashed);
  const kinds = findKinds(first);
  if (names.length === 0) return kinds.map((kind) => ({ kind }));
  return kinds.flatMap((kind) => names.map((name) => ({ kind, name })));
}

/** The same, where every object must be named. */
export function parseNamedTargets(verb: string, words: readonly string[]): Required<Target>[] {
  return parseTargets(words).map(({ kind, name }) => {
    if (name === undefined) throw new CommandError(`name what to ${verb}: \`sluice ${verb} ${kind.singular} NAME\``);
    return { kind, name };
  });
}

function parseSlashed(word: string): Target {
  const [kind = "", name = "", ...rest] = word.split("/");
  if (kind === "" || name === "" || rest.length > 0)
    throw new CommandError(`"${word}": write KIND/NAME, as in route/chat, for each; or KIND NAME…`);
  return { kind: findKind(kind), name };
}
