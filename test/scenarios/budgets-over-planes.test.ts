/** Budgets at every level, over three data planes at once: no plane has a counter of its own. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { countOf, outcomeOf } from "./outcome.ts";

const planes = 3;
/** A thousand tokens of gpt-4o are a cent, and a little for what is asked. */
const tokens = 1_000;
const limitNanoUsd = 60_000_000n;
/** Within the first, what was spent is told; within the second, what nobody uses goes back. */
const reportedMs = 6_000;
const idleMs = 31_000;

let installation: Installation;
let billed: bigint;
beforeAll(async () => {
  installation = await startInstallation({ planes, behaviour: ({ body }) => faultIn(String(body)) ?? { tokens } });
});
afterAll(() => installation[Symbol.asyncDispose]());
beforeEach(() => {
  billed = billedYet();
});

/** A call may ask for the fault that it meets. */
function faultIn(body: string) {
  const fault = /fault: ([a-z]+)/.exec(body)?.[1];
  switch (fault) {
    case "error":
      return { status: 500 };
    case "limited":
      return { status: 429 };
    case "reset":
      return { reset: true } as const;
    case "cut":
      return { tokens, "truncate-json": true } as const;
    case "silent":
      return { silent: true } as const;
    default:
      return undefined;
  }
}

/** What the vendor has billed since the test began. */
const bill = () => billedYet() - billed;

function billedYet(): bigint {
  // What costs nothing is in no catalog.
  return billNanoUsd(installation.simulator.bill().filter(({ model }) => !model.endsWith("llama")));
}

type Level = { readonly per: string; readonly one: Caller; readonly other: Caller };
type Caller = {
  readonly subject: { readonly team?: string; readonly service?: string; readonly user?: string };
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const levels: readonly Level[] = [
  { per: "Team", one: { subject: { team: "search" } }, other: { subject: { team: "ads" } } },
  { per: "Service", one: { subject: { service: "web" } }, other: { subject: { service: "batch" } } },
  { per: "User", one: { subject: { user: "ada" } }, other: { subject: { user: "ben" } } },
  { per: "Key", one: { subject: {} }, other: { subject: {} } },
  { per: "Model", one: { subject: {} }, other: { subject: {}, model: "gpt-4o-mini" } },
  {
    per: "Metadata/run",
    one: { subject: {}, headers: { "x-sluice-run": "run-1" } },
    other: { subject: {}, headers: { "x-sluice-run": "run-2" } },
  },
];

test.for(levels)(
  "a budget per $per holds over all data planes, and each $per has its own",
  async ({ per, one, other }) => {
    const { clock } = installation;
    const name = per.toLowerCase().replace("/", "-");
    const keys = {
      one: await installation.issue(`${name}-one`, one.subject),
      other: await installation.issue(`${name}-other`, other.subject),
    };
    // Who only claims to be somebody else must not get a fresh budget: a limit around it is asked for.
    await installation.apply(
      {
        kind: "Budget",
        metadata: { name: `${name}-around` },
        spec: { selector: { keys: [{ name: `${name}-one` }, { name: `${name}-other` }] }, limit: { usd: "1.00" } },
      },
      {
        kind: "Budget",
        metadata: { name },
        spec: {
          selector: { keys: [{ name: `${name}-one` }, { name: `${name}-other` }] },
          per: [per],
          maxWait: "2s",
          limit: { usd: "0.06" },
        },
      },
    );
    const calls = Array.from({ length: 24 }, (_, index) =>
      outcomeOf(installation.client(keys.one, { plane: index % planes }), { ...one, text: `Call ${index}` }),
    );
    const words = await Promise.all(calls);
    expect(bill()).toBeLessThanOrEqual(limitNanoUsd);
    const served = countOf(words, "served");
    expect(served).toBeGreaterThanOrEqual(3);
    expect(countOf(words, "budget_exhausted") + countOf(words, "budget_reserved")).toBe(24 - served);

    // Whose own amount is still there passes on every plane.
    for (let plane = 0; plane < planes; plane++)
      expect(await outcomeOf(installation.client(keys.other, { plane }), other)).toBe("served");
    clock.advance(reportedMs);
    await eventually("accounts that agree with the bill", async () => {
      const accounts = await accountsOf(installation, name);
      const spent = accounts.reduce((sum, account) => sum + account.spent, 0n);
      return accounts.length === 2 && spent === bill() ? true : `${accounts.length} accounts, ${spent}, not ${bill()}`;
    });
    expect(installation.errors).toEqual([]);
  },
);

test("a price of nothing passes a budget that is used up, and no price is not one of nothing", async () => {
  const { openaiUrl } = installation;
  await installation.apply(
    {
      kind: "Provider",
      metadata: { name: "local" },
      spec: {
        type: "OpenAICompatible",
        baseUrl: openaiUrl,
        credential: { type: "None" },
        models: [{ name: "free-llama", price: { inputPerMillion: "0", outputPerMillion: "0" } }, { name: "new-llama" }],
      },
    },
    {
      kind: "Route",
      metadata: { name: "local" },
      spec: { models: ["free-llama", "new-llama"], targets: [{ name: "local", providerRef: { name: "local" } }] },
    },
    {
      kind: "Budget",
      metadata: { name: "nothing-left" },
      spec: { selector: { services: ["thrifty"] }, limit: { usd: "0" } },
    },
  );
  const client = installation.client(await installation.issue("thrifty", { service: "thrifty" }));
  expect(await outcomeOf(client)).toBe("budget_exhausted");
  expect(await outcomeOf(client, { model: "free-llama" })).toBe("served");
  expect(await outcomeOf(client, { model: "new-llama" })).toBe("model_unpriced");
});

test("calls that fail, are cut or abandoned leave nothing reserved, and refuse nobody in the end", async () => {
  await installation.apply({
    kind: "Budget",
    metadata: { name: "unlucky" },
    spec: { selector: { services: ["unlucky"] }, limit: { usd: "1.00" } },
  });
  const key = await installation.issue("unlucky", { service: "unlucky" });
  const faults = ["error", "limited", "reset", "cut", "silent", "none"];
  const words = await Promise.all(
    Array.from({ length: 48 }, async (_, index) => {
      const fault = faults[index % faults.length];
      const timeout = fault === "silent" ? 700 : 60_000;
      const client = installation.client(key, { plane: index % planes, timeout });
      const text = `Call ${index}, fault: ${fault}`;
      return outcomeOf(client, { text });
    }),
  );
  expect(words.filter((word) => /^(budget|limit|model)/.test(word))).toEqual([]);
  expect(countOf(words, "served")).toBe(48 / faults.length);
  installation.clock.advance(idleMs);
  await eventually("an account that holds nothing any more", async () => {
    const [account] = await accountsOf(installation, "unlucky");
    return account !== undefined && account.committed === account.spent
      ? true
      : `${account?.committed} ${account?.spent}`;
  });
  const [account] = await accountsOf(installation, "unlucky");
  expect(account?.spent).toBeGreaterThanOrEqual(bill());
  // What the ledger knows: costs, and what is held until it is known better.
  await eventually("a ledger that agrees with the account", async () => {
    const groups = await installation.store.spend({
      ...{ by: ["service"], sinceMs: 0, untilMs: installation.clock.wallMs() + 1 },
    });
    const own = groups.find(({ values }) => values[0] === "unlucky");
    const sum = (own?.costNanoUsd ?? 0n) + (own?.heldNanoUsd ?? 0n);
    return sum === account?.spent ? true : `${sum}, not ${account?.spent}`;
  });
});
