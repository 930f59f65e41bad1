import type { KeyEntry, LimitPlan } from "@sluice/contract";
import { expect, test } from "vitest";
import { limitPlan } from "../../test/gateway.ts";
import { type CallFacts, LimitTable } from "./limit-table.ts";

const caller: KeyEntry = {
  ...{ id: "ai/web", namespace: "ai", state: "Active", team: "search", service: "web", user: "ada" },
  metadata: { env: "test" },
};
const call: CallFacts = {
  ...{ caller, model: "gpt-4o-mini", modelAccount: "gpt-4o*", provider: "ai/openai", route: "ai/chat" },
  ...{ claimedUser: "grace", claimedMetadata: { run: "r1", env: "live" } },
};
const calls = [{ unit: "requests", amount: "1" }] as const;

function applies(overrides: Partial<LimitPlan>, facts: Partial<CallFacts> = {}): boolean {
  return new LimitTable([limitPlan("one", [...calls], overrides)]).find({ ...call, ...facts }).length > 0;
}

const anonymous: KeyEntry = { ...caller, user: undefined, metadata: {} };

test.for([
  ["an empty one matches all", {}, {}, true],
  ["the key's namespace", { namespace: "ai" }, {}, true],
  ["another namespace", { namespace: "other" }, {}, false],
  ["team", { selector: { teams: ["ads", "search"] } }, {}, true],
  ["another team", { selector: { teams: ["ads"] } }, {}, false],
  [
    "a team, of a key without one",
    { selector: { teams: ["search"] } },
    { caller: { ...caller, team: undefined } },
    false,
  ],
  ["service", { selector: { services: ["web"] } }, {}, true],
  ["another service", { selector: { services: ["batch"] } }, {}, false],
  ["key", { selector: { keys: ["ai/web"] } }, {}, true],
  ["a key of the same name elsewhere", { selector: { keys: ["web"] } }, {}, false],
  ["the key's user", { selector: { users: ["ada"] } }, {}, true],
  ["a claimed user never stands for the key's", { selector: { users: ["grace"] } }, {}, false],
  ["a claimed user where the key has none", { selector: { users: ["grace"] } }, { caller: anonymous }, true],
  ["model", { selector: { models: ["gpt-4o-mini"] } }, {}, true],
  ["a model by its prefix", { selector: { models: ["claude-*", "gpt-*"] } }, {}, true],
  ["another model", { selector: { models: ["gpt-4o"] } }, {}, false],
  ["provider", { selector: { providers: ["ai/openai"] } }, {}, true],
  ["another provider", { selector: { providers: ["ai/azure"] } }, {}, false],
  ["route", { selector: { routes: ["ai/chat"] } }, {}, true],
  ["another route", { selector: { routes: ["ai/other"] } }, {}, false],
  ["the key's metadata", { selector: { metadata: { env: "test" } } }, {}, true],
  ["claimed metadata never stands for the key's", { selector: { metadata: { env: "live" } } }, {}, false],
  ["claimed metadata where the key has none", { selector: { metadata: { run: "r1" } } }, {}, true],
  ["metadata of another value", { selector: { metadata: { run: "r2" } } }, {}, false],
  ["metadata that nobody has", { selector: { metadata: { tier: "a" } } }, {}, false],
  ["all parts must match", { selector: { teams: ["search"], models: ["claude-*"] } }, {}, false],
  ["an empty list matches nobody", { selector: { teams: [] } }, {}, false],
] as [string, Partial<LimitPlan>, Partial<CallFacts>, boolean][])(
  "a selector: %s",
  ([, overrides, facts, expected]) => {
    expect(applies(overrides, facts)).toBe(expected);
  },
);

test("an account has the values of `per`, in order, and `(none)` where a call has none", () => {
  const per = [
    "Team",
    "Service",
    "User",
    "Key",
    "Model",
    "Provider",
    "Route",
    "Metadata/run",
    "Metadata/env",
    "Metadata/x",
  ];
  const [found] = new LimitTable([limitPlan("one", [...calls], { per })]).find(call);
  expect(found?.family).toEqual({
    ...{ limit: "one", rule: "requests" },
    values: ["search", "web", "ada", "ai/web", "gpt-4o*", "ai/openai", "ai/chat", "r1", "test", "(none)"],
  });
  expect(found?.key).toBe("one/requests/search/web/ada/ai%2Fweb/gpt-4o*/ai%2Fopenai/ai%2Fchat/r1/test/(none)");
});

test("each rule of a limit is an account by itself", () => {
  const plan = limitPlan("one", [...calls, { unit: "tokens", amount: "5" }, { unit: "slots", amount: "1" }]);
  expect(new LimitTable([plan]).find(call).map(({ key }) => key)).toEqual(["one/requests", "one/tokens", "one/slots"]);
});

test("no value of a claim reaches another account than its own", () => {
  const table = new LimitTable([limitPlan("one", [...calls], { per: ["Metadata/run", "Metadata/step"] })]);
  const keyOf = (run: string, step: string) => table.find({ ...call, claimedMetadata: { run, step } })[0]?.key;
  const keys = [
    keyOf("a/b", "c"),
    keyOf("a", "b/c"),
    keyOf("a%2Fb", "c"),
    keyOf("", "a"),
    keyOf("a", ""),
    keyOf("@", ""),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

/** Counts how often anything of a limit is looked at. */
function watched(plan: LimitPlan, looks: { count: number }): LimitPlan {
  return new Proxy(plan, {
    get(target, name, receiver) {
      looks.count++;
      return Reflect.get(target, name, receiver);
    },
  });
}

test("10,000 limits that do not match are looked at once for a key, and never again", () => {
  const looks = { count: 0 };
  const others = Array.from({ length: 10_000 }, (_, index) =>
    watched(limitPlan(`other${index}`, [...calls], { selector: { teams: [`t${index}`] } }), looks),
  );
  const table = new LimitTable([...others, limitPlan("mine", [...calls], { per: ["Service"] })]);
  expect(table.find(call)).toHaveLength(1);
  expect(looks.count).toBeGreaterThan(0);
  looks.count = 0;
  expect(table.find(call)).toHaveLength(1);
  expect(table.find({ ...call, model: "another" })).toHaveLength(1);
  expect(table.find({ ...call, claimedUser: "x", claimedMetadata: { run: "y" } })).toHaveLength(1);
  expect(looks.count).toBe(0);
});

test("a call under limits that read no claims is answered with the very same rules", () => {
  const table = new LimitTable([limitPlan("one", [...calls], { per: ["User"] })]);
  expect(table.find({ ...call, claimedUser: "a" })).toBe(table.find({ ...call, claimedUser: "b" }));
});

test("model names that callers make up do not fill memory", () => {
  const table = new LimitTable([limitPlan("one", [...calls])]);
  const first = table.find({ ...call, model: "m0" });
  expect(table.find({ ...call, model: "m0" })).toBe(first);
  for (let index = 0; index < 5_000; index++) table.find({ ...call, model: `m${index}` });
  expect(table.find({ ...call, model: "m0" })).not.toBe(first);
});

test("two targets that send one name under two are told apart", () => {
  const table = new LimitTable([limitPlan("one", [...calls], { per: ["Model"] })]);
  const [small, large] = ["small", "large"].map((modelAccount) => table.find({ ...call, modelAccount })[0]?.key);
  expect([small, large]).toEqual(["one/requests/small", "one/requests/large"]);
});
