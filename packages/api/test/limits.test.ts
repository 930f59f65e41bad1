/** Budgets, RateLimits and prices as people mistype them: refused when they are applied, each with the path and a way out. */

import { expect, test } from "vitest";
import { problemText, readResources } from "../src/index.ts";

const head = (kind: string) => `apiVersion: sluice.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: a }\n`;
const problems = (text: string) => readResources(text, "f").problems.map(problemText);
const budget = (limit: string, more = "") => problems(`${head("Budget")}spec: { limit: ${limit}${more} }\n`).join("\n");
const rateLimit = (item: string) =>
  problems(`${head("RateLimit")}spec: { limits: [{ name: a, ${item} }] }\n`).join("\n");
const provider = (model: string, more = "") =>
  problems(`${head("Provider")}spec: { type: OpenAI, credential: { type: None }, models: [${model}]${more} }\n`).join(
    "\n",
  );

test.for(["0", "0.00", "20", "0.000000001", "999999999.999999999"])("a Budget of %s USD is an amount", (usd) => {
  expect(budget(`{ usd: "${usd}" }`)).toBe("");
});

test.for([
  "-1",
  "-0",
  "+5",
  "1e3",
  "5 USD",
  "1,000",
  "1_000",
  "0x10",
  ".5",
  "5.",
  "00",
  "",
  "NaN",
  "Infinity",
  "١٢",
  "1000000000",
  "0.0000000001",
])('a Budget of "%s" USD is refused with its path', (usd) => {
  expect(budget(`{ usd: "${usd}" }`)).toMatch(/^f:\d+:\d+: spec\.limit\.usd: must /);
});

test("dollars without quotes are told the way out", () => {
  expect(budget("{ usd: 20.0 }")).toContain("spec.limit.usd: must be a string, not a number: put it in quotes");
});

test.for([
  ["nothing", "{}", "spec.limit: exactly one of usd, tokens must be set"],
  ["two units", '{ usd: "1", tokens: 1 }', "spec.limit: exactly one of usd, tokens must be set"],
  ["less than no tokens", "{ tokens: -1 }", "spec.limit.tokens: must have at least the value 0"],
  ["half a token", "{ tokens: 1.5 }", "spec.limit.tokens: must be a whole number"],
  ["more tokens than can be counted", "{ tokens: 9100000000000000 }", "spec.limit.tokens: must have at most"],
] as const)("a Budget of %s is refused", ([, limit, message]) => {
  expect(budget(limit)).toContain(message);
});

test.for([
  ["{ calendar: Month }", ""],
  ["{ calendar: Day, timezone: Europe/Berlin }", ""],
  ["{ calendar: Year, startMonth: 4, timezone: America/Argentina/Buenos_Aires }", ""],
  ["{ rolling: 720h }", ""],
  ["{ calendar: Fortnight }", "spec.window.calendar: must be Hour, Day, Week, Month, Quarter, Year"],
  ["{}", "spec.window: exactly one of calendar, rolling must be set"],
  ["{ calendar: Day, rolling: 24h }", "spec.window: exactly one of calendar, rolling must be set"],
  ["{ calendar: Day, timezone: Europe/Berlln }", "spec.window.timezone: is not a known time zone"],
  ["{ calendar: Day, timezone: Mars/Olympus }", "spec.window.timezone: is not a known time zone"],
  ["{ rolling: 24h, timezone: UTC }", "spec.window.timezone: timezone belongs to a calendar window"],
  ["{ calendar: Month, startMonth: 4 }", "spec.window.startMonth: startMonth belongs to"],
  ["{ calendar: Year, startMonth: 13 }", "spec.window.startMonth: must have at most the value 12"],
  ["{ rolling: 1s }", "spec.window.rolling: must be at least 1m and at most 8784h"],
  ["{ rolling: 0s }", "spec.window.rolling: must be at least 1m"],
  ["{ rolling: 30d }", "spec.window.rolling: must be a duration"],
] as const)("a window of %s", ([window, message]) => {
  const told = budget('{ usd: "1" }', `, window: ${window}`);
  if (message === "") expect(told).toBe("");
  else expect(told).toContain(message);
});

test.for([
  [
    "an override in another unit",
    "per: [Service], overrides: [{ name: a, values: { Service: x }, limit: { tokens: 1 } }]",
    "spec.overrides[0].limit: must be in the unit",
  ],
  [
    "an override of a value that is not in per",
    "per: [Service], overrides: [{ name: a, values: { Team: x }, limit: { usd: '1' } }]",
    "spec.overrides[0].values: must name each member of per",
  ],
  [
    "an override without per",
    "overrides: [{ name: a, values: { Team: x }, limit: { usd: '1' } }]",
    "spec.overrides[0].values: must name each member of per",
  ],
  [
    "half of an override's values",
    "per: [Team, Service], overrides: [{ name: a, values: { Team: x }, limit: { usd: '1' } }]",
    "spec.overrides[0].values: must name each member of per",
  ],
  [
    "two overrides of one account",
    "per: [Team], overrides: [{ name: a, values: { Team: x }, limit: { usd: '1' } }, { name: b, values: { Team: x }, limit: { usd: '2' } }]",
    "spec.overrides[1].values: are those of an earlier override",
  ],
  ["a per that is none", "per: [Services]", "spec.per[0]: must be one of Team, Service"],
  ["a per twice", "per: [Team, Team]", "spec.per[1]: stands in this list already"],
  ["metadata without a name", "per: [Metadata/]", "spec.per[0]: must be one of Team"],
  ["a wait of minutes", "maxWait: 5m", "spec.maxWait: must be at least 0s and at most 60s"],
  ["no account at all", "maxAccounts: 0", "spec.maxAccounts: must have at least the value 1"],
  ["more accounts than are kept", "maxAccounts: 10001", "spec.maxAccounts: must have at most the value 10000"],
  ["an alert at nothing", "alerts: [{ atPercent: 0 }]", "spec.alerts[0].atPercent: must have at least the value 1"],
  [
    "an alert twice",
    "alerts: [{ atPercent: 80 }, { atPercent: 80 }]",
    "spec.alerts[1].atPercent: is the atPercent of an earlier item",
  ],
  [
    "an alert to a file",
    "alerts: [{ atPercent: 80, webhook: { url: 'file:///a', secretRef: { name: a, key: b } } }]",
    "spec.alerts[0].webhook.url: must be an http",
  ],
  [
    "a selector that is none",
    "selector: { service: [a] }",
    'spec.selector.service: unknown field; did you mean "services"?',
  ],
  [
    "an empty list, which would select nothing",
    "selector: { services: [] }",
    "spec.selector.services: must have at least 1 item",
  ],
] as const)("%s is refused", ([, more, message]) => {
  expect(budget('{ usd: "1" }', `, ${more}`)).toContain(message);
});

test.for([
  ["requests: 60, window: 1m", ""],
  ["tokens: 1, window: 24h", ""],
  ["concurrent: 32", ""],
  ["requests: 0, window: 1m", "spec.limits[0].requests: must have at least the value 1"],
  ["requests: 60", "spec.limits[0].window: window must be set for requests and tokens"],
  ["concurrent: 32, window: 1m", "spec.limits[0].window: window must be set for requests and tokens, and only then"],
  ["requests: 1, tokens: 1, window: 1m", "spec.limits[0]: exactly one of requests, tokens, concurrent must be set"],
  ["requests: 60, window: 999ms", "spec.limits[0].window: must be at least 1s and at most 24h"],
  ["requests: 60, window: 25h", "spec.limits[0].window: must be at least 1s and at most 24h"],
  [
    "requests: 1, window: 60s }, { name: b, requests: 9, window: 1m",
    "spec.limits[1]: limits the same thing in the same window",
  ],
  ["concurrent: 1 }, { name: a, requests: 9, window: 1m", "spec.limits[1].name: is the name of an earlier item"],
] as const)("a rate of %s", ([item, message]) => {
  if (message === "") expect(rateLimit(item)).toBe("");
  else expect(rateLimit(item)).toContain(message);
});

test.for([
  ['{ name: "gpt-*", price: { inputPerMillion: "0.10", outputPerMillion: "0" } }', ""],
  ["{ name: gpt-4o, contextWindow: 128000, maxOutputTokens: 16384 }", ""],
  ['{ name: a, price: { inputPerMillion: "2.50" } }', "spec.models[0].price.outputPerMillion: is required"],
  [
    '{ name: a, price: { inputPerMillion: "-2", outputPerMillion: "1" } }',
    "spec.models[0].price.inputPerMillion: must be US dollars",
  ],
  [
    '{ name: a, price: { inputPerMillion: "0.0000001", outputPerMillion: "1" } }',
    "spec.models[0].price.inputPerMillion: must be US dollars",
  ],
  [
    '{ name: a, price: { inputPerMillion: "1000000", outputPerMillion: "1" } }',
    "spec.models[0].price.inputPerMillion: must be US dollars",
  ],
  [
    "{ name: a, price: { inputPerMillion: 2.5, outputPerMillion: 10 } }",
    "spec.models[0].price.inputPerMillion: must be a string",
  ],
  ["{ name: a, contextWindow: 0 }", "spec.models[0].contextWindow: must have at least the value 1"],
  ["{ name: 'gpt-*o' }", "spec.models[0].name: must be a model's name"],
] as const)("a model %s", ([model, message]) => {
  if (message === "") expect(provider(model)).toBe("");
  else expect(provider(model)).toContain(message);
});

test.for([
  ["0", true],
  ["12.5", true],
  ["100", true],
  ["100.01", false],
  ["101", false],
  ["-5", false],
  ["12.555", false],
  ["5%", false],
] as const)("a discount of %s percent is one, or is not", ([percent, fine]) => {
  const told = provider("{ name: a }", `, pricing: { discountPercent: "${percent}" }`);
  if (fine) expect(told).toBe("");
  else expect(told).toContain("spec.pricing.discountPercent: must be a percentage");
});
