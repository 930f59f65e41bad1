/**
 * Real holders, two replicas, a real record and the ledger, on both databases: calls with random worst cases and costs until
 * nothing fits any more. What the simulation of `@sluice/limits` proves of the logic has to hold of the SQL below it too.
 */

import { createMemoryBus } from "@sluice/bus";
import { type Family, familyKey, type LimitPlan, leaseReply, type UsageEvent } from "@sluice/contract";
import { type AccountState, Holder, spentOf } from "@sluice/limits";
import { expect, test } from "vitest";
import { limitPlan } from "../../test/account-figures.ts";
import { describeEachStore } from "../../test/each-store.ts";
import { realClock } from "../../test/observed.ts";
import { recordAll } from "../../test/usage-events.ts";
import { compare } from "./agreement.ts";
import { LeaseService } from "./lease-service.ts";

const limits: readonly LimitPlan[] = [
  limitPlan({
    ...{ uid: "whole", id: "ai/whole", per: [] },
    rules: [{ name: "usd", unit: "nanoUsd", amount: "30000", window: { kind: "lifetime" } }],
  }),
  limitPlan({
    ...{ uid: "each", id: "ai/each", per: ["Service"] },
    rules: [{ name: "usd", unit: "nanoUsd", amount: "9000", window: { kind: "lifetime" } }],
  }),
];
const services = ["a", "b", "c", "d"];
const holders = 12;
const worstMax = 200;

describeEachStore("holders of one record", (under) => {
  test("spend what the limits allow and no more, and the ledger agrees to the last unit", async () => {
    await using running = new AsyncDisposableStack();
    const bus = running.use(createMemoryBus().connect());
    for (let replica = 0; replica < 2; replica++) {
      const clock = { nowMs: () => Date.now(), after: realClock.after };
      const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
      const service = new LeaseService({ ...{ bus, clock, random, store: under.store, log: under.log } });
      await running.use(service).useLimits(limits);
    }

    const done = await Promise.all(Array.from({ length: holders }, (_, place) => work(place)));
    const spent = new Map<string, bigint>();
    for (const [place, events] of done.entries()) {
      await recordAll(under.store, `holder-${place}`, events);
      for (const [id, amount] of events.flatMap(({ charges = [] }) => charges))
        spent.set(id, (spent.get(id) ?? 0n) + BigInt(amount));
    }
    const accounts = await under.store.listAccounts({ limits: limits.map(({ uid }) => uid) });
    expect(accounts).toHaveLength(1 + services.length);
    for (const account of accounts) {
      expect(spentOf(account), account.id).toBe(spent.get(account.id) ?? 0n);
      expect(spentOf(account) <= amountOf(account), `${account.id} is within its limit`).toBe(true);
    }
    const whole = accounts.find(({ id }) => id === "0@whole/usd");
    expect(Number(whole && spentOf(whole)), "hardly anything is left").toBeGreaterThan(30_000 - 2 * worstMax);
    expect(await compare(under.store, accounts)).toEqual({ checked: accounts.length, open: 0, differing: [] });

    async function work(place: number): Promise<Partial<UsageEvent>[]> {
      const identity = { session: `${under.kind}-${place}`, incarnation: 1, secret: `s${place}`, instanceName: "pod" };
      const holder = new Holder(identity, Math.random);
      const moment = () => ({ nowMs: performance.now(), wallMs: Date.now() });
      const events: Partial<UsageEvent>[] = [];
      let refused = 0;
      const pump = async () => {
        const request = holder.nextRequest(moment());
        if (request === undefined) return;
        const answer = await bus.requests("leases").ask(Buffer.from(JSON.stringify(request)), 20_000);
        // Now and then an answer is lost: the same request goes out again.
        if (Math.random() < 0.1) return;
        holder.onReply(leaseReply.parse(JSON.parse(Buffer.from(answer).toString())), performance.now());
      };
      while (refused < 60) {
        const worst = 1 + Math.floor(Math.random() * worstMax);
        const wishes = wishesOf(services[(place + refused) % services.length] ?? "a", worst);
        const admission = holder.admit(wishes, moment());
        if (admission.kind === "short") {
          // A small call may fit where this one does not.
          if (admission.shortage === "Exhausted") refused += 1;
          await pump();
          await new Promise((wake) => setTimeout(wake, 1));
          continue;
        }
        await new Promise((wake) => setTimeout(wake, Math.random() * 2));
        const cost = Math.floor(Math.random() * (worst + 1));
        const { reservation } = admission;
        expect(holder.settle(reservation, [cost, cost], performance.now())).toEqual([]);
        events.push({ costNanoUsd: cost, charges: reservation.holds.map(({ account }) => [account, cost]) });
        await pump();
      }
      holder.close();
      while (holder.life !== "closed") await pump();
      return events;
    }
  }, 120_000);
});

function wishesOf(service: string, amount: number) {
  return limits.flatMap((plan) =>
    plan.rules.map((rule) => {
      const family: Family = { limit: plan.uid, rule: rule.name, values: plan.per.map(() => service) };
      return { of: { plan, rule, family, key: familyKey(family) }, amount };
    }),
  );
}

function amountOf({ id }: AccountState): bigint {
  return id.startsWith("0@whole") ? 30_000n : 9_000n;
}
