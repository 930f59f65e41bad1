/** Many calls at once at the end of a budget: what the vendor bills never passes it, on one data plane or several. */

import { afterEach, expect, test } from "vitest";
import { accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { outcomeOf } from "./outcome.ts";

let installation: Installation;
afterEach(() => installation[Symbol.asyncDispose]());

const cent = 10_000_000n;
/** Whoever is not told that nothing is left comes again: in the end a call is served, or nothing is left for it. */
const again = ["budget_reserved", "limit_unavailable"];

test.for([1, 3])(
  "64 connections race for the last cent on %i data planes, and never pass it",
  { timeout: 120_000 },
  async (planes) => {
    installation = await startInstallation({ planes });
    const { simulator } = installation;
    // Who waits is served in the end, or there is nothing left.
    const spec = { limit: { usd: "0.01" }, maxWait: "60s" };
    await installation.apply({ kind: "Budget", metadata: { name: "cent" }, spec });
    const key = await installation.issue("racer", { team: "racers" });
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, async (_, connection) => {
        const client = installation.client(key, { plane: connection % planes });
        const words: string[] = [];
        for (let call = 0; call < 4; call++) {
          words.push(await outcomeOf(client, { maxTokens: 100, text: `Call ${call} of ${connection}`, again }));
          expect(billNanoUsd(simulator.bill())).toBeLessThanOrEqual(cent);
          const [account] = await accountsOf(installation, "cent");
          expect(account?.committed).toBeLessThanOrEqual(cent);
        }
        return words;
      }),
    );
    const words = outcomes.flat();
    expect(new Set(words)).toEqual(new Set(["served", "budget_exhausted"]));
    // What is left does not hold one call more: at worst, 100 tokens written in the dearest service tier and all bytes read.
    const bill = billNanoUsd(simulator.bill());
    expect(bill).toBeGreaterThan(cent - 3_300_000n);
    await eventually("an account that agrees with the bill", async () => {
      const [account] = await accountsOf(installation, "cent");
      return account?.spent === bill && account.committed === bill ? true : `${account?.spent}, not ${bill}`;
    });
    expect(installation.errors).toEqual([]);
  },
);
