/** What zod found, in words for people: the field, what is expected, and the nearest right name. */

import { z } from "zod";
import { type Breach, type Segment, shown } from "./problem.ts";
import { suggestion } from "./suggest.ts";

/** More help nobody; a hostile object could have a hundred thousand. */
const breachesMax = 500;

export function schemaBreaches(input: { error: z.ZodError; schema: z.ZodType; value: unknown }): Breach[] {
  return input.error.issues.slice(0, breachesMax).flatMap((issue) => breachesOf(issue, input));
}

function breachesOf(issue: z.core.$ZodIssue, { schema, value }: { schema: z.ZodType; value: unknown }): Breach[] {
  const segments = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const found = valueAt(value, segments);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = fieldsAt(schema, segments);
      return issue.keys.slice(0, breachesMax).map((key) => ({
        segments: [...segments, key],
        message: `unknown field${quotedOn(key, known) || suggestion(key, known) || listing("; fields here are", known)}`,
        reason: "FieldValueForbidden",
        atKey: true,
      }));
    }
    case "invalid_type":
      if (found === undefined) return [{ segments, message: "is required", reason: "FieldValueRequired" }];
      return [
        {
          segments,
          message: `must be ${typeNames[issue.expected] ?? issue.expected}, not ${typeOf(found)}${inQuotes(issue.expected, found)}`,
          reason: "FieldValueTypeInvalid",
        },
      ];
    case "invalid_value": {
      if (found === undefined) return [{ segments, message: "is required", reason: "FieldValueRequired" }];
      const options = issue.values.map(String);
      const hint = typeof found === "string" ? suggestion(found, options) : "";
      return [{ segments, message: `must be ${options.join(", ")}${hint}`, reason: "FieldValueNotSupported" }];
    }
    case "too_big":
      return [
        { segments, message: `must have at most ${sized(issue.origin, issue.maximum)}`, reason: "FieldValueInvalid" },
      ];
    case "too_small":
      return [
        { segments, message: `must have at least ${sized(issue.origin, issue.minimum)}`, reason: "FieldValueInvalid" },
      ];
    case "invalid_key":
      return [
        {
          segments,
          message: `is not a name that may stand here: it ${issue.issues[0]?.message ?? "is invalid"}`,
          reason: "FieldValueInvalid",
          atKey: true,
        },
      ];
    case "custom":
      return [
        {
          segments,
          message: issue.message,
          reason: issue.params?.duplicate === true ? "FieldValueDuplicate" : "FieldValueInvalid",
        },
      ];
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_union":
    case "invalid_element":
      return [{ segments, message: issue.message, reason: "FieldValueInvalid" }];
  }
}

/** YAML takes `500.00` for a number, and drops what its author wrote. */
function inQuotes(expected: string, found: unknown): string {
  return expected === "string" && (typeof found === "number" || typeof found === "boolean") ? ": put it in quotes" : "";
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "null";
  if (typeof value === "object") return "a map";
  return typeof value === "boolean" ? "a boolean" : `a ${typeof value}`;
}

function sized(origin: string, size: number | bigint): string {
  if (origin === "string") return `${size} character${size === 1 ? "" : "s"}`;
  if (origin === "array") return `${size} item${size === 1 ? "" : "s"}`;
  return `the value ${size}`;
}

/** kubectl reads YAML 1.1, where a bare `on` is the truth value: the field arrives as `true`. */
function quotedOn(key: string, known: readonly string[]): string {
  return key === "true" && known.includes("on") ? `; did you mean "on"? Write it in quotes for kubectl` : "";
}

function listing(opening: string, names: readonly string[]): string {
  return names.length === 0 ? "" : `${opening} ${names.map(shown).join(", ")}`;
}

function valueAt(value: unknown, segments: readonly Segment[]): unknown {
  let current = value;
  for (const segment of segments) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, segment)) return undefined;
    current = (current as Record<Segment, unknown>)[segment];
  }
  return current;
}

/** Names of the fields that the schema has at a path. */
function fieldsAt(schema: z.ZodType, segments: readonly Segment[]): string[] {
  let current = unwrapped(schema);
  for (const segment of segments) {
    if (current instanceof z.ZodObject) current = unwrapped(current.shape[segment]);
    else if (current instanceof z.ZodArray) current = unwrapped(current.element);
    else return [];
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

/** The schema inside `optional` and `default`. */
function unwrapped(schema: unknown): unknown {
  let current = schema;
  while (current instanceof z.ZodOptional || current instanceof z.ZodDefault) current = current.unwrap();
  return current;
}
