/** Patches of one JSON value: RFC 7386 (merge) and RFC 6902 (operations). Pure; refusals are thrown as `StatusError`. */

import { StatusError } from "./status-error.ts";

/** A member that is null in the patch goes, an object is merged, anything else takes the place of what was there. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // From entries: a member called `__proto__` stays a member.
  return Object.fromEntries(merged);
}

/** Kubernetes' own bound. */
const operationsMax = 10_000;

/** A `copy` of a copy doubles: what all of them together may add, as Kubernetes bounds it, in characters of JSON. */
const copiedMax = 3 * 1024 * 1024;

export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw refuse("a JSON patch is a list of operations");
  if (operations.length > operationsMax) throw refuse(`a JSON patch may hold at most ${operationsMax} operations`);
  let document = structuredClone(target);
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    if (isObject(operation) && operation.op === "copy") {
      const source = read(document, pointer(operation.from, index, "from"), index);
      copied += JSON.stringify(source).length;
      if (copied > copiedMax)
        throw refuse(`operation ${index}: the copies of a patch may add at most ${copiedMax} bytes`);
    }
    document = apply(document, operation, index);
  }
  return document;
}

function apply(document: unknown, operation: unknown, index: number): unknown {
  const { op, path, from, value } = (isObject(operation) ? operation : {}) as Record<string, unknown>;
  const at = pointer(path, index, "path");
  switch (op) {
    case "add":
      return put(document, at, structuredClone(value), index, true);
    case "replace":
      read(document, at, index);
      return put(document, at, structuredClone(value), index, false);
    case "remove":
      return remove(document, at, index);
    case "test":
      if (canonical(read(document, at, index)) === canonical(value)) return document;
      throw refuse(`operation ${index}: the value at ${path} is another one`, "Invalid");
    case "copy":
      return put(document, at, structuredClone(read(document, pointer(from, index, "from"), index)), index, true);
    case "move": {
      const source = pointer(from, index, "from");
      if (at.length > source.length && source.every((part, place) => part === at[place]))
        throw refuse(`operation ${index}: a value can't be moved into itself`);
      const moved = read(document, source, index);
      return put(remove(document, source, index), at, moved, index, true);
    }
    default:
      throw refuse(`operation ${index}: op must be add, remove, replace, move, copy or test`);
  }
}

function pointer(text: unknown, index: number, field: string): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw refuse(`operation ${index}: ${field} must be a JSON pointer such as /spec/models`);
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(document: unknown, path: readonly string[], index: number): unknown {
  let value = document;
  for (const part of path) {
    if (Array.isArray(value)) value = value[position(part, value.length - 1, path, index)];
    else if (isObject(value) && Object.hasOwn(value, part)) value = value[part];
    else throw missing(path, index);
  }
  return value;
}

function put(document: unknown, path: readonly string[], value: unknown, index: number, insert: boolean): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1), index);
  if (Array.isArray(parent)) {
    if (insert) parent.splice(last === "-" ? parent.length : position(last, parent.length, path, index), 0, value);
    else parent[position(last, parent.length - 1, path, index)] = value;
  } else if (isObject(parent)) {
    Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  } else throw missing(path, index);
  return document;
}

function remove(document: unknown, path: readonly string[], index: number): unknown {
  read(document, path, index);
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = read(document, path.slice(0, -1), index);
  if (Array.isArray(parent)) parent.splice(position(last, parent.length - 1, path, index), 1);
  else delete (parent as Record<string, unknown>)[last];
  return document;
}

function position(part: string, most: number, path: readonly string[], index: number): number {
  const at = /^(0|[1-9][0-9]{0,6})$/.test(part) ? Number(part) : -1;
  if (at < 0 || at > most) throw missing(path, index);
  return at;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function missing(path: readonly string[], index: number): StatusError {
  return refuse(`operation ${index}: there is nothing at /${path.join("/").slice(0, 200)}`, "Invalid");
}

function refuse(message: string, reason: "BadRequest" | "Invalid" = "BadRequest"): StatusError {
  return new StatusError(reason, `the patch can't be applied: ${message}`);
}
