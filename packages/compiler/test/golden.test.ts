/**
 * Walks `golden/`: each folder is a situation. `in.yaml` says in its first comment what it proves; its resources are of the
 * ages in which they stand there, the oldest first. `vitest -u` writes what the compile gives; the diff is reviewed like code.
 *
 * Secrets are there unless a comment `# missing-secret: namespace/name/key` says otherwise; `# revoked: hash reason` revokes.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { problemText, type ReadResource, readResources } from "@sluice/api";
import { canonicalJson, keyEntry, snapshot } from "@sluice/contract";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { type CompileInput, compile, conditionsFor, findingsOf } from "../src/index.ts";
import { smallCatalog } from "./small-catalog.ts";

const folder = join(import.meta.dirname, "golden");
const situations = readdirSync(folder);

test("there are situations to check", () => expect(situations.length).toBeGreaterThanOrEqual(12));

test.for(situations)("%s", async (situation) => {
  const place = join(folder, situation);
  const { resources, input } = readSituation(join(place, "in.yaml"));
  const compiled = compile(input);

  // The formats that the data planes read.
  snapshot.parse(compiled.snapshot);
  for (const entry of compiled.keys.values()) keyEntry.parse(entry);

  const status = resources.map(({ resource: { kind, metadata } }) => {
    const own = findingsOf(compiled.findings, { kind, ...metadata });
    const conditions = conditionsFor(own, 1).map(({ type, status, reason, message }) => ({
      type,
      status,
      reason,
      message,
    }));
    return { kind, resource: `${metadata.namespace}/${metadata.name}`, conditions };
  });
  await expect(pretty(compiled.snapshot)).toMatchFileSnapshot(join(place, "snapshot.json"));
  await expect(pretty(Object.fromEntries(compiled.keys))).toMatchFileSnapshot(join(place, "keys.json"));
  await expect(stringify(status, { lineWidth: 0 })).toMatchFileSnapshot(join(place, "status.yaml"));
});

function readSituation(file: string): { resources: readonly ReadResource[]; input: CompileInput } {
  const text = readFileSync(file, "utf8");
  const { resources, problems } = readResources(text, file);
  expect(problems.map(problemText)).toEqual([]);

  const missing = [...text.matchAll(/^# missing-secret: (\S+)$/gm)].map(([, id]) => id);
  const revoked = [...text.matchAll(/^# revoked: (\S+) (.*)$/gm)].map(
    ([, hash = "", reason = ""]) => [hash, reason] as const,
  );
  const dated = resources.map(({ resource }, index) => ({ resource, createdAtMs: index, generation: 1 }));
  const { credentials } = compile({ resources: dated, catalog: smallCatalog, systemNamespace: "default" });
  return {
    resources,
    input: {
      resources: dated,
      catalog: smallCatalog,
      systemNamespace: "default",
      credentials: new Set(credentials.filter((id) => !missing.includes(id))),
      revoked: new Map(revoked),
    },
  };
}

function pretty(value: unknown): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), undefined, 2)}\n`;
}
