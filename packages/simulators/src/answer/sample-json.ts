/**
 * A value that a JSON schema accepts: what a simulated model gives as a tool's arguments or as structured output. It knows
 * the schemas that vendors take (type, properties, required, items, enum, const, anyOf, $ref, bounds), not all of JSON Schema.
 */

import type { SeededRandom } from "./seeded-random.ts";
import { words } from "./words.ts";

type Schema = Record<string, unknown>;

/** Deeper than this an optional part is left out: a schema may refer to itself. */
const depthMax = 8;

export function sampleJson(schema: unknown, random: SeededRandom): unknown {
  return sample(schema, { root: asSchema(schema), random, depth: 0 });
}

type Place = { readonly root: Schema; readonly random: SeededRandom; readonly depth: number };

function sample(given: unknown, place: Place): unknown {
  const schema = resolved(asSchema(given), place.root);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[place.random(schema.enum.length)];
  for (const choice of [schema.anyOf, schema.oneOf]) if (Array.isArray(choice)) return sample(choice[0], place);
  if (Array.isArray(schema.allOf)) return Object.assign({}, ...schema.allOf.map((part) => sample(part, place)));

  const type = Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? (schema.properties ? "object" : "string"));
  if (type === "object") return sampleObject(schema, place);
  if (type === "array") return sampleArray(schema, place);
  if (type === "integer") return Math.ceil(numberWithin(schema, place.random));
  if (type === "number") return numberWithin(schema, place.random);
  if (type === "boolean") return place.random(2) === 1;
  if (type === "null") return null;
  return sampleString(schema, place.random);
}

function sampleObject(schema: Schema, place: Place): Schema {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const inner = { ...place, depth: place.depth + 1 };
  const object: Schema = {};
  for (const [name, member] of Object.entries(asSchema(schema.properties))) {
    if (place.depth < depthMax || required.includes(name)) object[name] = sample(member, inner);
  }
  return object;
}

function sampleArray(schema: Schema, place: Place): unknown[] {
  const least = typeof schema.minItems === "number" ? schema.minItems : 0;
  if (place.depth >= depthMax && least === 0) return [];
  return Array.from({ length: Math.max(1, least) }, () =>
    sample(schema.items ?? {}, { ...place, depth: place.depth + 1 }),
  );
}

function numberWithin(schema: Schema, random: SeededRandom): number {
  const least = typeof schema.minimum === "number" ? schema.minimum : 0;
  const most = typeof schema.maximum === "number" ? schema.maximum : least + 100;
  return least + random(Math.max(1, Math.floor(most - least)));
}

function sampleString(schema: Schema, random: SeededRandom): string {
  if (schema.format === "date") return "2026-01-31";
  if (schema.format === "date-time") return "2026-01-31T12:00:00Z";
  if (schema.format === "email") return "someone@example.com";
  if (schema.format === "uri") return "https://example.com/";
  if (schema.format === "uuid") return "00000000-0000-4000-8000-000000000000";
  return words[random(words.length)]!;
}

function resolved(schema: Schema, root: Schema): Schema {
  if (typeof schema.$ref !== "string" || !schema.$ref.startsWith("#/")) return schema;
  let found: unknown = root;
  for (const step of schema.$ref.slice(2).split("/")) found = asSchema(found)[step];
  return asSchema(found);
}

function asSchema(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}
