/** Files of resources as people write them: everything that is wrong is told at once, each with its place and a way out. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { kinds, parseResource, problemText, readResources } from "../src/index.ts";

const head = (kind: string, name = "a") =>
  `apiVersion: sluice.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const problems = (text: string) => readResources(text, "f.yaml").problems.map(problemText);
const route = `${head("Route")}spec:\n  models: [a]\n  targets:\n    - { name: t, providerRef: { name: p } }\n`;

test("several documents are read, each with its place, and defaults are filled in", () => {
  const { resources, problems: none } = readResources(
    `# first\n${route}---\n---\n${head("Gateway", "g")}spec: {}\n`,
    "f.yaml",
  );
  expect(none).toEqual([]);
  expect(resources.map(({ resource, line }) => [resource.kind, resource.metadata.namespace, line])).toEqual([
    ["Route", "default", 2],
    ["Gateway", "default", 11],
  ]);
});

test("a broken document costs only itself", () => {
  const { resources, problems: told } = readResources(
    `${route}---\nkind: Rout\n---\n${head("Gateway", "g")}spec: {}\n`,
    "f.yaml",
  );
  expect(resources).toHaveLength(2);
  expect(told).toHaveLength(1);
});

test("all problems of a file are told at once, with file, line and column", () => {
  const text = `${head("Route")}spec:\n  modles: [x]\n  targets:\n    - { name: t, providerRef: { nme: p }, weight: "5" }\n  timeouts: { idle: 5 parsecs }\n`;
  expect(problems(text)).toEqual([
    "f.yaml:5:3: spec.models: is required",
    "f.yaml:7:31: spec.targets[0].providerRef.name: is required",
    'f.yaml:7:33: spec.targets[0].providerRef.nme: unknown field; did you mean "name"?',
    "f.yaml:7:51: spec.targets[0].weight: must be a number, not a string",
    'f.yaml:8:21: spec.timeouts.idle: must be a duration such as "30s", "1m30s" or "500ms"',
    'f.yaml:5:3: spec.modles: unknown field; did you mean "models"?',
  ]);
});

test.for([
  ["a mistyped kind", `${head("Rout")}spec: {}`, /kind: must be one of .*did you mean "Route"\?/],
  ["another version", "apiVersion: sluice.dev/v9\nkind: Route\n", /this Sluice knows no other version/],
  ["a Secret", "apiVersion: v1\nkind: Secret\n", /Secrets are not read here/],
  ["no metadata", "apiVersion: sluice.dev/v1alpha1\nkind: Gateway\nspec: {}\n", /metadata: is required/],
  ["a name in capitals", `${head("Gateway", "Main")}spec: {}`, /metadata\.name: must be lower-case/],
  ["two targets of one name", route.replace(/( +- \{.*\n)/, "$1$1"), /targets/],
  ["a model with two dots", route.replace("[a]", "[a..b]"), /models\[0\]/],
  [
    "a credential that its type does not name",
    `${head("Provider")}spec: { type: OpenAI, credential: { type: None, apiKey: { secretRef: { name: a, key: b } } } }`,
    /apiKey must be set when type is APIKey, and only then/,
  ],
  [
    "no address for an unknown vendor",
    `${head("Provider")}spec: { type: OpenAICompatible, credential: { type: None } }`,
    /spec\.baseUrl: baseUrl is required/,
  ],
  [
    "a header that is ours",
    `${head("Provider")}spec: { type: OpenAI, credential: { type: None }, headers: [{ name: authorization, value: x }] }`,
    /header that Sluice sets itself/,
  ],
  ["a hash that is none", `${head("VirtualKey")}spec: { hash: abc }`, /spec\.hash/],
  ["a key twice", "a: 1\na: 2\n", /2:1: a: stands here twice/],
  ["a bracket that is left open", `${head("Route")}spec: [\n`, /f\.yaml:\d+:\d+/],
  ["a list", "- 1\n", /must be a resource/],
  ["a tag", `${head("Gateway")}spec: !!js/function "x"\n`, /f\.yaml:\d/],
] as const)("%s is refused with words that help", ([, text, words]) => {
  const told = problems(text);
  expect(told.length).toBeGreaterThan(0);
  expect(told.join("\n")).toMatch(words);
});

test.for([
  "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "AKIAIOSFODNN7EXAMPLE",
  "-----BEGIN PRIVATE KEY-----",
])("a secret in clear (%s) is refused wherever it stands, and is not repeated", (secret) => {
  const places = [
    `${head("Provider")}spec: { type: OpenAI, credential: { type: APIKey, apiKey: "${secret}" } }\n`,
    `${head("Provider")}spec: { type: OpenAI, credential: { type: None }, headers: [{ name: x-key, value: "${secret}" }] }\n`,
    `apiVersion: sluice.dev/v1alpha1\nkind: Gateway\nmetadata: { name: a, annotations: { note: "${secret}" } }\nspec: {}\n`,
  ];
  for (const text of places) {
    const told = problems(text).join("\n");
    expect(told).toMatch(/secret in clear/);
    expect(told).not.toContain(secret);
  }
});

test("what `get -o yaml` prints can be applied again", () => {
  const value = {
    apiVersion: "sluice.dev/v1alpha1",
    kind: "Gateway",
    metadata: { name: "a", uid: "u", resourceVersion: "1", generation: 2, creationTimestamp: "x", managedFields: [] },
    spec: {},
    status: { conditions: [] },
  };
  expect(parseResource(value).problems).toBeUndefined();
});

test("a List is its items", () => {
  const { resources, problems: told } = readResources(
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: sluice.dev/v1alpha1, kind: Gateway, metadata: {name: x}, spec: {}}\n- {apiVersion: sluice.dev/v1alpha1, kind: Gateway, metadata: {name: X}, spec: {}}\n",
    "f.yaml",
  );
  expect(resources).toHaveLength(1);
  expect(told.map(problemText)).toEqual([expect.stringMatching(/items\[1\]\.metadata\.name/)]);
});

test.for([
  ["a deadline of nothing", "timeouts: { idle: 0s }", "spec.timeouts.idle: must be longer than 0s and at most 24h"],
  [
    "a deadline beyond a day",
    "timeouts: { total: 25h }",
    "spec.timeouts.total: must be longer than 0s and at most 24h",
  ],
  [
    "a first byte that may come after the end",
    "timeouts: { firstByte: 2m, total: 1m }",
    "spec.timeouts.firstByte: firstByte must not be longer than total",
  ],
  ["a reason to retry twice", "retry: { on: [Timeout, Timeout] }", "spec.retry.on[1]: stands in this list already"],
  ["a merge of maps", "retry: { <<: { attempts: 1 } }", "spec.retry[<<]: merging maps by << is not supported"],
] as const)("%s is refused", ([, field, message]) => {
  expect(problems(`${route}  ${field}\n`).join()).toContain(message);
});

test.for([
  ["{{team}} of {{service}} {one} {", true],
  ["{{team}", false],
  ["{{teams}}", false],
  ["a\\nb", false],
] as const)("the header value %s holds placeholders that exist, or is refused", ([value, fine]) => {
  const spec = `{ type: OpenAI, credential: { type: None }, headers: [{ name: x-a, value: "${value}" }] }`;
  expect(problems(`${head("Provider")}spec: ${spec}\n`).length).toBe(fine ? 0 : 1);
});

test("a bare `on`, which kubectl sends as true, is told with the way out", () => {
  expect(problems(`${route}  retry: { "true": [Timeout] }\n`)).toEqual([
    'f.yaml:8:12: spec.retry.true: unknown field; did you mean "on"? Write it in quotes for kubectl',
  ]);
});

test("an anchor is its value, wherever it is used again", () => {
  const { resources, problems: none } = readResources(
    `${head("Gateway")}spec: { defaults: { timeouts: &t { idle: 5s } } }\n---\n${route}`,
    "f.yaml",
  );
  expect([none, resources.length]).toEqual([[], 2]);
  const reused = readResources(
    `${head("Route")}spec:\n  models: [a]\n  targets: [{ name: &n t, providerRef: { name: *n } }]\n`,
    "f.yaml",
  );
  expect(reused.resources[0]?.resource.spec).toMatchObject({ targets: [{ name: "t", providerRef: { name: "t" } }] });
});

test("an object of a hundred thousand values is answered with some of its problems", () => {
  const spec = Object.fromEntries(Array.from({ length: 90_000 }, (_, index) => [`modls${index}`, 1]));
  const { problems: told } = parseResource({
    apiVersion: "sluice.dev/v1alpha1",
    kind: "Route",
    metadata: { name: "a" },
    spec,
  });
  expect(told?.length).toBeGreaterThan(0);
  expect(told?.length).toBeLessThanOrEqual(1500);
});

test("resources read once are read again the same", () => {
  for (const { example } of kinds) {
    for (const { resource } of readResources(example, "f.yaml").resources)
      expect(parseResource(resource)).toEqual({ resource });
  }
});

test("bombs of brackets and of aliases end in a problem, soon", () => {
  expect(problems("[".repeat(100_000)).join()).toMatch(/nested too deep/);
  let bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (let level = 1; level < 12; level++)
    bomb += `a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(",")}]\n`;
  expect(problems(bomb).length).toBeGreaterThan(0);
  expect(problems(" ".repeat(5 * 1024 * 1024))).toEqual([expect.stringContaining("larger than 1 MiB")]);
});

test("any bytes are answered, never thrown at", () => {
  const pieces = fc.array(
    fc.constantFrom(
      ...route.split(/(?<=[ \n:{}[\],])/),
      "&a ",
      "*a ",
      "!!x ",
      "\t",
      "\0",
      "? ",
      "- ",
      "---\n",
      "__proto__: ",
      "𝒳",
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        pieces.map((all) => Buffer.from(all.join(""))),
      ),
      (bytes) => {
        for (const problem of readResources(bytes, "f.yaml").problems)
          expect(problemText(problem)).toMatch(/^f\.yaml:\d+:\d+: /);
      },
    ),
    { numRuns: 600 },
  );
});

test("any JSON value is a resource or has problems", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.record({
          apiVersion: fc.constant("sluice.dev/v1alpha1"),
          kind: fc.constantFrom("Gateway", "Route", "Provider", "VirtualKey", "Budget", "RateLimit"),
          metadata: fc.jsonValue(),
          spec: fc.jsonValue(),
        }),
      ),
      (value) => {
        const parsed = parseResource(value);
        expect((parsed.resource === undefined) !== (parsed.problems === undefined)).toBe(true);
      },
    ),
    { numRuns: 600 },
  );
});
