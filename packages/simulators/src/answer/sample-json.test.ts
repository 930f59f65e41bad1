import { expect, test } from "vitest";
import { z } from "zod";
import { sampleJson } from "./sample-json.ts";
import { seededRandom } from "./seeded-random.ts";

const schemas = {
  "an object of every simple type": z.strictObject({
    city: z.string(),
    unit: z.enum(["celsius", "fahrenheit"]),
    days: z.int().min(1).max(7),
    ratio: z.number(),
    always: z.literal(3),
    deep: z.array(z.strictObject({ on: z.iso.date(), wet: z.boolean(), note: z.string().nullable() })).min(2),
  }),
  "a union": z.union([z.strictObject({ a: z.string() }), z.int()]),
  "a list": z.array(z.email()),
};

test.for(Object.entries(schemas))("%s is filled so that its schema accepts it", ([, schema]) => {
  for (let seed = 1; seed < 50; seed++) {
    const value = sampleJson(z.toJSONSchema(schema), seededRandom(seed.toString(16).padStart(8, "0")));
    expect(schema.safeParse(value).error).toBeUndefined();
  }
});

test("a schema that refers to itself ends", () => {
  const tree = {
    type: "object",
    properties: {
      name: { type: "string" },
      child: { $ref: "#" },
      list: { type: "array", items: { $ref: "#/$defs/tree" } },
    },
    required: ["name"],
    $defs: { tree: { $ref: "#" } },
  };
  expect(sampleJson(tree, seededRandom("abcdef01"))).toHaveProperty("name");
});

test("the same seed gives the same value, another seed another", () => {
  const of = (seed: string) =>
    JSON.stringify(sampleJson({ type: "array", items: { type: "integer" }, minItems: 8 }, seededRandom(seed)));
  expect(of("00000001")).toBe(of("00000001"));
  expect(of("00000001")).not.toBe(of("00000002"));
});
