/** What earlier releases wrote is read by this one. The two newest releases stay here; each leaves what it wrote when it is made. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { snapshot, usageEvent } from "@sluice/contract";
import { loadError } from "@sluice/data-plane";
import { expect, test } from "vitest";
import { parse } from "yaml";

const releases = readdirSync(import.meta.dirname).filter((name) => /^\d+\.\d+\.\d+$/.test(name));
const root = join(import.meta.dirname, "../..");
const read = (release: string, file: string) => readFileSync(join(import.meta.dirname, release, file), "utf8");

test("there is a release to be read, at most two", () => {
  expect(releases.length).toBeGreaterThan(0);
  expect(releases.length).toBeLessThanOrEqual(2);
});

test.for(releases)("the snapshot of %s loads", (release) => {
  const published = snapshot.parse(JSON.parse(read(release, "snapshot.json")));
  expect(loadError(published)).toBeUndefined();
});

test.for(releases)("a usage event of %s is one", (release) => {
  expect(usageEvent.safeParse(JSON.parse(read(release, "usage-event.json"))).success).toBe(true);
});

test.for(releases)("the migrations of %s are still the first ones, unchanged", (release) => {
  const now = join(root, "packages/control-plane/src/store/migrations");
  for (const file of readdirSync(join(import.meta.dirname, release, "migrations"))) {
    expect([file, readFileSync(join(now, file), "utf8")]).toEqual([file, read(release, `migrations/${file}`)]);
  }
});

test.for(releases)("no field of a CRD of %s is gone", (release) => {
  for (const file of readdirSync(join(import.meta.dirname, release, "crds"))) {
    const before = fieldsOf(parse(read(release, `crds/${file}`)));
    const after = fieldsOf(parse(readFileSync(join(root, "crds", file), "utf8")));
    expect(before.filter((field) => !after.includes(field))).toEqual([]);
  }
});

type Schema = { properties?: Record<string, Schema>; items?: Schema };

function fieldsOf(crd: { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } }): string[] {
  const fields: string[] = [];
  const walk = (schema: Schema, path: string) => {
    fields.push(path);
    for (const [name, member] of Object.entries(schema.properties ?? {})) walk(member, `${path}.${name}`);
    if (schema.items !== undefined) walk(schema.items, `${path}[]`);
  };
  for (const { schema } of crd.spec.versions) walk(schema.openAPIV3Schema, "");
  return fields;
}
