/** The generated CRDs hold to what an API server asks of a structural schema, and the examples in the reference are right. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { kinds, readResources } from "../src/index.ts";

const root = join(import.meta.dirname, "../../..");
type Schema = Readonly<Record<string, unknown>>;

function crdOf(plural: string) {
  return parse(readFileSync(join(root, `crds/sluice.dev_${plural}.yaml`), "utf8"));
}

function eachSchema(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, member] of Object.entries((schema.properties ?? {}) as Record<string, Schema>))
    eachSchema(member, `${path}.${name}`, visit);
  if (schema.items !== undefined) eachSchema(schema.items as Schema, `${path}[]`, visit);
  if (typeof schema.additionalProperties === "object")
    eachSchema(schema.additionalProperties as Schema, `${path}{}`, visit);
}

test.for(kinds.map(({ kind, plural }) => [kind, plural] as const))(
  "%s: the schema is structural, and everything in its spec has a bound and a description",
  ([, plural]) => {
    const file = join(root, `crds/sluice.dev_${plural}.yaml`);
    expect(statSync(file).size).toBeLessThan(256 * 1024);
    const [version] = crdOf(plural).spec.versions;
    const { spec, status } = version.schema.openAPIV3Schema.properties;
    for (const [name, schema] of Object.entries({ spec, status })) {
      eachSchema(schema as Schema, name, (at, path) => {
        const say = (what: string) => `${path}: ${what}`;
        expect(at.type, say("has a type")).toEqual(expect.any(String));
        for (const forbidden of [
          "$ref",
          "definitions",
          "oneOf",
          "not",
          "patternProperties",
          "nullable",
          "$schema",
          "id",
        ])
          expect(at, say(`no ${forbidden}`)).not.toHaveProperty(forbidden);
        expect(
          at.properties !== undefined && at.additionalProperties !== undefined,
          say("properties or additionalProperties"),
        ).toBe(false);
        expect(at.uniqueItems, say("no uniqueItems")).not.toBe(true);
        if (path.includes("[]")) expect(at, say("no default inside a list's items")).not.toHaveProperty("default");
        if (name !== "spec") return;
        if (at.type === "array") expect(at, say("has maxItems")).toHaveProperty("maxItems");
        if (at.type === "string" && at.enum === undefined) expect(at, say("has maxLength")).toHaveProperty("maxLength");
        if (at.additionalProperties !== undefined) expect(at, say("has maxProperties")).toHaveProperty("maxProperties");
        if (path.includes(".") && !path.endsWith("[]") && !path.endsWith("{}"))
          expect(at, say("has a description")).toHaveProperty("description");
        for (const key of (at["x-kubernetes-list-map-keys"] ?? []) as string[])
          expect((at.items as { required: string[] }).required, say("requires its map keys")).toContain(key);
        for (const rule of (at["x-kubernetes-validations"] ?? []) as { message: string }[])
          expect(rule.message, say("a message on one line")).not.toContain("\n");
      });
    }
  },
);

test.for(kinds.map((definition) => [definition.kind, definition] as const))(
  "%s: names, columns, status and its first conditions",
  ([, { kind, plural, singular, shortName }]) => {
    const { spec } = crdOf(plural);
    expect(spec.names).toMatchObject({ kind, plural, singular, shortNames: [shortName], categories: ["sluice"] });
    const [version] = spec.versions;
    expect(version.subresources).toEqual({ status: {} });
    const columns = version.additionalPrinterColumns.map((column: { name: string }) => column.name);
    expect([columns[0], columns.at(-1)]).toEqual(["Ready", "Age"]);
    const conditions = version.schema.openAPIV3Schema.properties.status.default.conditions as {
      type: string;
      status: string;
      reason: string;
    }[];
    expect(conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual(
      ["Accepted", "ResolvedRefs", "Programmed", "Ready"].map((type) => `${type} Unknown Pending`),
    );
  },
);

test("targets are a map by name, and a Provider's type can't be changed", () => {
  const of = (plural: string) => crdOf(plural).spec.versions[0].schema.openAPIV3Schema.properties.spec;
  expect(of("routes").properties.targets["x-kubernetes-list-map-keys"]).toEqual(["name"]);
  expect(of("providers").properties.type["x-kubernetes-validations"][0].rule).toBe("self == oldSelf");
});

test.for(kinds.map((definition) => [definition.kind, definition] as const))(
  "%s: its reference page is there, and the example on it is right",
  ([, { kind, example }]) => {
    const { resources, problems } = readResources(example, "example");
    expect(problems).toEqual([]);
    expect(resources.some(({ resource }) => resource.kind === kind)).toBe(true);
    const page = join(root, "docs/reference", `${kind.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()}.md`);
    expect(existsSync(page)).toBe(true);
    expect(readFileSync(page, "utf8")).toContain(example.trim().split("\n")[0] ?? "");
  },
);
