/**
 * A YAML document as a value and the places of its parts. Walks the syntax tree itself instead of asking the library for
 * a value, so that every field keeps its line and column, and an alias bomb costs no more than the bound of `plain-value`.
 */

import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode } from "yaml";
import { valueDepthMax, valueNodesMax } from "./plain-value.ts";
import { type Breach, type Segment, shown } from "./problem.ts";

/** Where a value stands: the offset of its first character, and its members' places. */
export type Place = {
  readonly offset: number;
  readonly members: ReadonlyMap<Segment, { readonly keyOffset: number; readonly place: Place }>;
};

export type YamlValue = { readonly value: unknown; readonly place: Place; readonly breaches: readonly Breach[] };

const aliasesMax = 100;

export function yamlValue(document: Document.Parsed<ParsedNode>): YamlValue {
  const anchors = new Map<string, Node>();
  const breaches: Breach[] = [];
  let nodes = 0;
  let aliases = 0;

  const refuse = (segments: readonly Segment[], message: string, atKey = false) => {
    breaches.push({ segments, message, reason: "FieldValueInvalid", atKey });
  };

  function walk(node: unknown, segments: readonly Segment[], offset: number): { value: unknown; place: Place } {
    const nothing = { value: null, place: { offset, members: new Map() } };
    if (nodes > valueNodesMax) return nothing;
    if (++nodes > valueNodesMax) {
      refuse([], `has more than ${valueNodesMax} values`);
      return nothing;
    }
    if (segments.length > valueDepthMax) {
      refuse(segments, `is nested deeper than ${valueDepthMax} levels`);
      return nothing;
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) refuse(segments, `*${shown(node.source)} names no anchor before it`);
      else if (++aliases > aliasesMax)
        refuse(segments, `is one of more than ${aliasesMax} aliases; write the value out`);
      else return walk(target, segments, node.range?.[0] ?? offset);
      return nothing;
    }
    if (isMap(node) || isSeq(node) || isScalar(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      const start = node.range?.[0] ?? offset;
      if (isScalar(node)) return { value: scalarValue(node.value), place: { offset: start, members: new Map() } };
      return isSeq(node) ? walkList(node.items, segments, start) : walkMap(node.items, segments, start);
    }
    return nothing;
  }

  function walkList(items: readonly unknown[], segments: readonly Segment[], offset: number) {
    const members = new Map<Segment, { keyOffset: number; place: Place }>();
    const value = items.map((item, index) => {
      const walked = walk(item, [...segments, index], offset);
      members.set(index, { keyOffset: walked.place.offset, place: walked.place });
      return walked.value;
    });
    return { value, place: { offset, members } };
  }

  function walkMap(items: readonly { key: unknown; value: unknown }[], segments: readonly Segment[], offset: number) {
    const members = new Map<Segment, { keyOffset: number; place: Place }>();
    const value: Record<string, unknown> = {};
    for (const pair of items) {
      const keyOffset = (isScalar(pair.key) && pair.key.range?.[0]) || offset;
      if (!isScalar(pair.key) || typeof pair.key.value === "object") {
        refuse(segments, "has a field whose name is not a plain text");
        continue;
      }
      const name = String(pair.key.value);
      const at = [...segments, name];
      const repeated = members.has(name);
      const walked = walk(pair.value, at, keyOffset);
      members.set(name, { keyOffset, place: walked.place });
      if (name === "<<") refuse(at, "merging maps by << is not supported: write the fields out", true);
      else if (name === "__proto__") refuse(at, "is not a field's name", true);
      else if (repeated)
        breaches.push({ segments: at, message: "stands here twice", reason: "FieldValueDuplicate", atKey: true });
      else value[name] = walked.value;
    }
    return { value, place: { offset, members } };
  }

  const { value, place } = walk(document.contents, [], document.range[0]);
  return { value, place, breaches };
}

/** Scalars of explicit tags (`!!binary`, `!!timestamp`) come as objects; as text they meet the field's own check. */
function scalarValue(value: unknown): unknown {
  return typeof value === "object" && value !== null ? String(value) : value;
}

/** The offset of a breach: its field, or the nearest part around it that is there. */
export function offsetOf(place: Place, { segments, atKey }: Breach): number {
  let current = place;
  let offset = place.offset;
  for (const [index, segment] of segments.entries()) {
    const member = current.members.get(segment);
    if (member === undefined) return offset;
    current = member.place;
    offset = atKey === true && index === segments.length - 1 ? member.keyOffset : current.offset;
  }
  return offset;
}
