/** Laws of the compile, on random worlds: few names, so that references meet, miss and collide. */

import { type Resource, readResources } from "@sluice/api";
import { canonicalJson, keyEntry, snapshot } from "@sluice/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CompilableResource, type Compilation, compile } from "../src/index.ts";
import { smallCatalog } from "./small-catalog.ts";

const namespace = fc.constantFrom("default", "team-a", "team-b");
const name = fc.constantFrom("a", "b", "c");
const from = fc.constantFrom("Same", "All");
const reference = fc.record({ name, namespace }, { requiredKeys: ["name"] });
const model = fc.constantFrom("gpt-4o", "gpt-*", "*");

const gateway = fc.record(
  {
    hostnames: fc.uniqueArray(fc.constantFrom("one.example", "two.example"), { minLength: 1 }),
    allowedNamespaces: fc.record({ from }),
  },
  { requiredKeys: ["allowedNamespaces"] },
);
const provider = fc.record({
  type: fc.constantFrom("OpenAI", "Anthropic"),
  baseUrl: fc.constantFrom("https://llm.example/v1", "http://169.254.169.254/", "https://llm.example"),
  credential: fc.oneof(
    fc.constant({ type: "None" }),
    fc.record({
      type: fc.constant("APIKey"),
      apiKey: fc.record({ secretRef: fc.record({ name, key: fc.constant("key") }) }),
    }),
  ),
  allowedNamespaces: fc.record({ from }),
});
const route = fc.record(
  {
    gatewayRefs: fc.array(reference, { minLength: 1, maxLength: 3 }),
    models: fc.uniqueArray(model, { minLength: 1 }),
    targets: fc.uniqueArray(fc.record({ name, providerRef: reference, tier: fc.nat(2) }), {
      minLength: 1,
      selector: (target) => target.name,
    }),
  },
  { requiredKeys: ["models", "targets"] },
);
const virtualKey = fc.record(
  {
    hash: fc.constantFrom("a".repeat(64), "b".repeat(64), "c".repeat(64)),
    allow: fc.record({ routes: fc.array(reference, { minLength: 1, maxLength: 2 }) }),
  },
  { requiredKeys: ["hash"] },
);
const shared = {
  selector: fc.record(
    {
      services: fc.constantFrom(["search"], ["search", "chat"]),
      users: fc.constant(["ann"]),
      models: fc.uniqueArray(model, { minLength: 1 }),
      keys: fc.array(reference, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
  per: fc.uniqueArray(fc.constantFrom("Service", "User", "Key", "Metadata/run")),
  mode: fc.constantFrom("Enforce", "Warn", "Shadow"),
};
const budget = fc.record(
  { ...shared, limit: fc.constantFrom({ usd: "5.00" }, { usd: "0" }, { tokens: 100 }) },
  { requiredKeys: ["limit"] },
);
const rateLimit = fc.record(
  {
    ...shared,
    limits: fc.constantFrom(
      [{ name: "a", requests: 60, window: "1m" }],
      [
        { name: "a", concurrent: 3 },
        { name: "b", tokens: 60, window: "10s" },
      ],
    ),
  },
  { requiredKeys: ["limits"] },
);
const specs = {
  ...{ Gateway: gateway, Provider: provider, Route: route, VirtualKey: virtualKey },
  ...{ Budget: budget, RateLimit: rateLimit },
};

const compilable = fc.constantFrom(...(Object.keys(specs) as (keyof typeof specs)[])).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    namespace,
    name,
    spec: specs[kind] as fc.Arbitrary<unknown>,
    createdAtMs: fc.nat(3),
  }),
);

/** Every resource goes through the real reader, so that only what users can write is compiled. */
const world = fc
  .uniqueArray(compilable, { maxLength: 16, selector: (one) => `${one.kind} ${one.namespace}/${one.name}` })
  .map((drafts) =>
    drafts.map(({ kind, namespace, name, spec, createdAtMs }): CompilableResource => {
      const text = JSON.stringify({ apiVersion: "sluice.dev/v1alpha1", kind, metadata: { name, namespace }, spec });
      const { resources, problems } = readResources(text, "draft");
      expect(problems).toEqual([]);
      return { resource: resources[0]?.resource as Resource, createdAtMs, generation: 1 };
    }),
  );

const credentials = new Set(["default/a/key", "team-a/a/key", "team-b/b/key"]);
const compiled = (resources: readonly CompilableResource[]) =>
  compile({
    resources,
    catalog: smallCatalog,
    systemNamespace: "default",
    credentials,
    revoked: new Map([["b".repeat(64), "lost"]]),
  });
const bytes = ({ snapshot, keys, credentials, findings }: Compilation) =>
  canonicalJson({ snapshot, keys: [...keys], credentials, findings });

test("the order of the resources changes no byte", () => {
  const shuffled = world.chain((resources) =>
    fc.tuple(fc.constant(resources), fc.shuffledSubarray(resources, { minLength: resources.length })),
  );
  fc.assert(
    fc.property(shuffled, ([resources, others]) => {
      expect(bytes(compiled(others))).toBe(bytes(compiled(resources)));
    }),
    { numRuns: 500 },
  );
});

test("whatever the resources, the outcome is in the formats that data planes read, and every reference in it resolves", () => {
  fc.assert(
    fc.property(world, (resources) => {
      const { snapshot: plan, keys } = compiled(resources);
      snapshot.parse(plan);
      for (const entry of keys.values()) keyEntry.parse(entry);
      const providers = new Set(plan.providers.map(({ id }) => id));
      for (const { tiers } of plan.gateways.flatMap(({ routes }) => routes)) {
        expect(tiers.length).toBeGreaterThan(0);
        for (const tier of tiers) expect(tier.length).toBeGreaterThan(0);
        for (const target of tiers.flat()) expect(providers).toContain(target.provider);
      }
    }),
    { numRuns: 500 },
  );
});

test("without a finding of its own, a Route is served by a Gateway", () => {
  fc.assert(
    fc.property(world, (resources) => {
      const { snapshot: plan, findings } = compiled(resources);
      const served = new Set(plan.gateways.flatMap(({ routes }) => routes.map(({ id }) => id)));
      for (const { resource } of resources) {
        if (resource.kind !== "Route") continue;
        const { namespace, name } = resource.metadata;
        const refused = findings.some(
          (found) =>
            found.kind === "Route" &&
            found.namespace === namespace &&
            found.name === name &&
            found.condition === "Accepted",
        );
        expect(served.has(`${namespace}/${name}`)).toBe(!refused);
      }
    }),
    { numRuns: 500 },
  );
});

test("one more Provider, Route, key or limit takes nothing from those that are older", () => {
  const extended = world.chain((resources) =>
    fc.tuple(fc.constant(resources), fc.nat({ max: Math.max(0, resources.length - 1) })),
  );
  fc.assert(
    fc.property(extended, ([resources, index]) => {
      const added = resources[index];
      if (added === undefined || added.resource.kind === "Gateway") return;
      const youngest = { ...added, createdAtMs: 10 };
      const before = resources.filter((_, place) => place !== index);
      const routesOf = ({ snapshot }: Compilation) =>
        snapshot.gateways.flatMap((gateway) => gateway.routes.map((route) => `${gateway.id} ${route.id}`));
      const after = compiled([...before, youngest]);
      const first = compiled(before);
      expect(routesOf(after)).toEqual(expect.arrayContaining(routesOf(first)));
      for (const [hash, entry] of first.keys) expect(after.keys.get(hash)?.id).toBe(entry.id);
      // Nobody puts a limit out of force by a resource of another kind, least of all one who is under it.
      expect(after.snapshot.limits).toEqual(expect.arrayContaining(first.snapshot.limits));
    }),
    { numRuns: 500 },
  );
});

test("an enforcing limit is in force, or told why not; one that is split by a claim never without a bound", () => {
  fc.assert(
    fc.property(world, (resources) => {
      const { snapshot: plan, findings } = compiled(resources);
      const inForce = new Set(plan.limits.map(({ kind, id }) => `${kind} ${id}`));
      const refused = new Set(
        findings
          .filter(({ condition }) => condition === "Accepted")
          .map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
      );
      for (const { resource } of resources) {
        if (resource.kind !== "Budget" && resource.kind !== "RateLimit") continue;
        const id = `${resource.kind} ${resource.metadata.namespace}/${resource.metadata.name}`;
        expect(inForce.has(id)).toBe(!refused.has(id));
      }
      const bounds = plan.limits.filter(({ mode, per }) => mode === "Enforce" && !per.some(isClaimed));
      for (const { mode, per, selector, namespace } of plan.limits) {
        if (mode !== "Enforce" || !per.some(isClaimed)) continue;
        if (per.filter(isClaimed).every((dimension) => dimension === "User") && selector.users !== undefined) continue;
        expect(bounds.some((bound) => bound.namespace === undefined || bound.namespace === namespace)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

function isClaimed(dimension: string): boolean {
  return dimension === "User" || dimension.startsWith("Metadata/");
}
