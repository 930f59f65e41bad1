/**
 * readResources: a YAML (or JSON) file into resources. Says everything that is wrong in one go, each with file, line, column
 * and field; a document that is wrong costs only itself. Never throws, whatever the bytes.
 */

import { LineCounter, parseAllDocuments, type YAMLError } from "yaml";
import type { Resource } from "../kinds.ts";
import { apiVersion } from "../resource.ts";
import { checkResource } from "./parse-resource.ts";
import { type Breach, fieldPath, type Problem, type Segment } from "./problem.ts";
import { redactSecrets } from "./secret-in-clear.ts";
import { sizeFault } from "./text-size.ts";
import { offsetOf, type Place, yamlValue } from "./yaml-value.ts";

export type ReadResource = { readonly resource: Resource; readonly file: string; readonly line: number };
export type ReadResult = { readonly resources: readonly ReadResource[]; readonly problems: readonly Problem[] };

/** Some three thousand resources. */
const fileBytesMax = 1024 * 1024;
const problemsMax = 500;
/** Of one document. */
const syntaxFaultsMax = 20;

export function readResources(text: string | Uint8Array, file: string): ReadResult {
  const whole = (message: string): ReadResult => ({
    resources: [],
    problems: [{ path: "", message, reason: "FieldValueInvalid", file, line: 1, column: 1 }],
  });
  if (text.length > fileBytesMax) return whole(`is larger than ${fileBytesMax / 1024 / 1024} MiB: split the file`);

  const decoded = decode(text);
  if (decoded === undefined) return whole("is not UTF-8 text");
  try {
    const fault = sizeFault(decoded);
    return fault === undefined ? new Reading(decoded, file).read() : whole(fault);
  } catch (error) {
    // The library's parser is recursive; `sizeFault` does not see every way to nest.
    if (error instanceof RangeError) return whole("is nested too deep");
    return whole("is not YAML that can be read");
  }
}

function decode(text: string | Uint8Array): string | undefined {
  if (typeof text === "string") return text;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    return undefined;
  }
}

/** One pass over one file. */
class Reading {
  readonly #lines = new LineCounter();
  readonly #resources: ReadResource[] = [];
  readonly #problems: Problem[] = [];
  readonly #seen = new Map<string, number>();
  readonly #text: string;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  read(): ReadResult {
    // Equal keys are our own check: the library's compares every pair.
    const options = { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false, logLevel: "silent" } as const;
    const documents = parseAllDocuments(this.#text, options);
    for (const document of "empty" in documents ? [] : documents) {
      if (this.#refuseSyntax([...document.errors, ...document.warnings])) continue;

      const { value, place, breaches } = yamlValue(document);
      if (breaches.length > 0) this.#addBreaches(breaches, place, []);
      else if (value !== null) this.#take(value, place, []);
    }
    return { resources: this.#resources, problems: this.#problems.slice(0, problemsMax) };
  }

  /** The parser stumbles on after a fault and tells most of them again: one for each place is enough. */
  #refuseSyntax(faults: readonly YAMLError[]): boolean {
    const told = new Set<number>();
    for (const { pos, message } of faults) {
      if (told.has(pos[0]) || told.size >= syntaxFaultsMax) continue;
      told.add(pos[0]);
      // The parser is recursive, and tells the end of its stack as a fault of the text.
      const plain = message.includes("call stack") ? "is nested too deep" : redactSecrets(message);
      this.#add(pos[0], [], plain, "FieldValueInvalid");
    }
    return faults.length > 0;
  }

  #take(value: unknown, place: Place, segments: readonly Segment[]): void {
    const items = listItems(value);
    if (items !== undefined && segments.length === 0) {
      for (const [index, item] of items.entries()) this.#take(item, place, ["items", index]);
      return;
    }
    const checked = checkResource(value);
    if (checked.kind === "invalid") return this.#addBreaches(checked.breaches, place, segments);

    const offset = offsetOf(place, { segments, message: "", reason: "FieldValueInvalid" });
    const { line } = this.#position(offset);
    const { kind, metadata } = checked.resource;
    const id = `${kind} ${metadata.namespace}/${metadata.name}`;
    const earlier = this.#seen.get(id);
    if (earlier !== undefined) {
      return this.#add(
        offset,
        segments,
        `${id} stands in this file already, in line ${earlier}`,
        "FieldValueDuplicate",
      );
    }
    this.#seen.set(id, line);
    this.#resources.push({ resource: checked.resource, file: this.#file, line });
  }

  #addBreaches(breaches: readonly Breach[], place: Place, prefix: readonly Segment[]): void {
    for (const breach of breaches) {
      const segments = [...prefix, ...breach.segments];
      this.#add(offsetOf(place, { ...breach, segments }), segments, breach.message, breach.reason);
    }
  }

  #add(offset: number, segments: readonly Segment[], message: string, reason: Problem["reason"]): void {
    this.#problems.push({ path: fieldPath(segments), message, reason, file: this.#file, ...this.#position(offset) });
  }

  #position(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** Items of a `v1` List, as `kubectl get -o yaml` prints it, or of a list of one of our kinds. */
function listItems(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { apiVersion: version, kind, items } = value as Record<string, unknown>;
  const isList = (version === "v1" && kind === "List") || (version === apiVersion && /List$/.test(String(kind)));
  return isList && Array.isArray(items) ? items : undefined;
}
