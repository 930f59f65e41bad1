/** What the wire formats' readers of features write, and the rules that they share. See `read-features.ts`. */

import { isArray, isObject, skipValue, walkObject } from "../json/walk-json.ts";

/** `kind`: its `type`, `web_search_20250305`. `maxCalls`: as the request bounds them; undefined: it does not. */
export type ServerTool = { readonly kind: string; readonly maxCalls: number | undefined };

export type FeatureTally = {
  media: boolean;
  references: boolean;
  readonly serverTools: ServerTool[];
  audioOutput: boolean;
  serviceTier: string | undefined;
  /** Of the legacy completions, which answer several prompts at once. */
  prompts: number;
  prediction: boolean;
  outputCapMin: number | undefined;
};

/**
 * Members of the outermost object that nobody here knows. A name that differs from a known one in case alone is read as that one
 * by some servers (Go's decoder does), past all that we have checked; other models or plugins are costs without a bound.
 */
export function readUnknownMember(
  bytes: Buffer,
  key: string,
  value: number,
  known: ReadonlySet<string>,
  tally: FeatureTally,
): number {
  if (isNothing(bytes, value)) return skipValue(bytes, value);
  const folded = key.normalize("NFKC").toLowerCase();
  if (unbounded.has(folded) || (folded !== key && known.has(folded))) addServerTool(tally, folded);
  else tally.references = true;
  return skipValue(bytes, value);
}

/** Of compatible servers: other models to fall back on, searches and plugins, members that are spread over the others. */
const unbounded = new Set([
  "models",
  "fallbacks",
  "provider",
  "plugins",
  "search_parameters",
  "enable_search",
  "web_search",
  "extra_body",
]);

/** A kind comes from the caller and goes into messages. */
const kindLengthMax = 64;
/** More tools of the vendor's count as one without a bound. */
const serverToolsMax = 32;

export function addServerTool(tally: FeatureTally, kind: string, maxCalls?: number): void {
  const tool = { kind: kind.slice(0, kindLengthMax), maxCalls };
  if (tally.serverTools.length < serverToolsMax) tally.serverTools.push(tool);
  else tally.serverTools[serverToolsMax - 1] = { ...tool, maxCalls: undefined };
}

/** Null, false, and what is empty. */
export function isNothing(bytes: Buffer, at: number): boolean {
  const first = bytes[at];
  if (first === 0x6e || first === 0x66) return true;
  if (isObject(bytes, at)) {
    let empty = true;
    walkObject(bytes, at, (_, value) => {
      empty = false;
      return skipValue(bytes, value);
    });
    return empty;
  }
  return isArray(bytes, at) && skipValue(bytes, at) - at === 2;
}
