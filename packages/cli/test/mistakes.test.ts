/** What a careless hand gets: a sentence that says what to do, on standard error, and kubectl's exit code. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sluice, withFolder } from "./sluice-process.ts";

/** Nothing listens there: no service has this port. */
const nowhere = "http://127.0.0.1:2";

test.for([
  ["a verb with a typo", ["gett", "routes"], 1, ["unknown command 'gett'", "Did you mean get?"]],
  [
    "a flag with a typo",
    ["get", "routes", "--ouput", "json"],
    1,
    ["unknown option '--ouput'", "Did you mean --output?"],
  ],
  ["a form that there is none of", ["get", "routes", "-o", "xml"], 1, ["Allowed are table, wide, json, yaml, name"]],
  ["a kind that there is none of", ["get", "pods"], 1, ['there is no kind "pods"', "routes (srt)"]],
  ["a name without its kind", ["delete", "route/"], 1, ["KIND/NAME"]],
  ["a delete that names nothing", ["delete", "routes"], 1, ["name what to delete", "sluice delete route NAME"]],
  ["an apply without files", ["apply"], 1, ["required option '-f, --filename <path>'"]],
  ["a file that is not there", ["apply", "-f", "none.yaml"], 1, ["can't read none.yaml", "no such file"]],
  ["no server", ["get", "routes"], 1, [`nothing runs at ${nowhere}`, "`npm start`", "--server"]],
  ["no server, asked for a diff", ["diff", "-f", "good.yaml"], 2, [`nothing runs at ${nowhere}`]],
  ["an address that is none", ["get", "routes", "--server", "localhost"], 1, ["http://127.0.0.1:4142"]],
  ["an expiry that is none", ["keys", "create", "k", "--expires", "soon"], 1, ["30m, 12h or 90d"]],
  ["an expiry in the past", ["keys", "create", "k", "--expires", "2020-01-01T00:00:00Z"], 1, ["lies in the past"]],
] as const)("%s", async ([, words, exit, parts]) => {
  await withFolder(async (cwd) => {
    writeFileSync(join(cwd, "good.yaml"), route("chat"));
    const { code, stdout, stderr } = await sluice(words, { cwd, env: { SLUICE_SERVER: nowhere } });
    for (const part of parts) expect(stderr).toContain(part);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

test("all that is wrong in all files is told by place, and nothing is sent", async () => {
  await withFolder(async (cwd) => {
    const typo = "targets: [{ name: a, providerRef: { name: p } }], modles: [gpt-4o]";
    writeFileSync(join(cwd, "a.yaml"), `${route("fine")}---\n${head("Route", "wrong")}spec: { ${typo} }\n`);
    writeFileSync(
      join(cwd, "b.yaml"),
      "apiVersion: sluice.dev/v1alpha1\nkind: Rout\nmetadata: { name: x }\nspec: {}\n",
    );
    writeFileSync(join(cwd, "c.yaml"), "apiVersion: [\n");
    const { code, stderr } = await sluice(["apply", "-f", "."], { cwd, env: { SLUICE_SERVER: nowhere } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sluice: nothing was sent:$/m);
    expect(stderr).toMatch(/^a\.yaml:\d+:\d+: spec\.modles: .*models/m);
    expect(stderr).toMatch(/^b\.yaml:2:7: kind: .*Route/m);
    expect(stderr).toMatch(/^c\.yaml:\d+:\d+: /m);
  });
});

function head(kind: string, name: string): string {
  return `apiVersion: sluice.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
}

function route(name: string): string {
  return `${head("Route", name)}spec: { models: [${name}], targets: [{ name: a, providerRef: { name: openai } }] }\n`;
}
