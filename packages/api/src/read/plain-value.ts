/**
 * Plain values: JSON from outside, made safe to look at. Bounded in depth and size, without the member name that changes
 * an object's prototype, and without nulls in maps, which Kubernetes too reads as "not set".
 */

import type { Breach, Segment } from "./problem.ts";

export const valueDepthMax = 32;
export const valueNodesMax = 100_000;

export type PlainValue = { readonly value: unknown; readonly breaches: readonly Breach[] };

export function plainValue(source: unknown): PlainValue {
  const breaches: Breach[] = [];
  let nodes = 0;
  const refuse = (segments: readonly Segment[], message: string): undefined => {
    breaches.push({ segments, message, reason: "FieldValueInvalid" });
  };

  function copy(value: unknown, segments: readonly Segment[]): unknown {
    // One breach of size is enough: the rest is not looked at.
    if (nodes > valueNodesMax) return undefined;
    if (++nodes > valueNodesMax) return refuse([], `has more than ${valueNodesMax} values`);
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return value;
    if (typeof value !== "object") return refuse(segments, "must be a JSON value");
    if (segments.length >= valueDepthMax) return refuse(segments, `is nested deeper than ${valueDepthMax} levels`);
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...segments, index]));

    const map: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      if (name === "__proto__") refuse([...segments, name], "is not a field's name");
      else if (member !== null && member !== undefined) map[name] = copy(member, [...segments, name]);
    }
    return map;
  }

  return { value: copy(source, []), breaches };
}
