/**
 * A night as it happened to others: four services share the gateway, and a job of one of them, which should run once a week, runs
 * every minute for four hours against a dear model. Whatever is charged is compared with the vendor's bill after each call.
 */

import type OpenAI from "openai";
import { expect } from "vitest";
import { type Account, accountsOf } from "./accounts.ts";
import { billNanoUsd } from "./bill.ts";
import { eventually } from "./eventually.ts";
import type { Installation } from "./installation.ts";

export type Night = {
  /** Calls of the job that were answered, and when it was refused, in simulated Unix milliseconds. */
  readonly served: number;
  readonly refusedAtMs: readonly number[];
  readonly errors: readonly unknown[];
  /** HTTP requests that the job's client made: a retry is one more. */
  readonly requests: number;
  readonly others: number;
};

export type NightPlan = {
  readonly installation: Installation;
  readonly budget: string;
  readonly limitNanoUsd: bigint;
  readonly maxTokens?: number;
  /** Before each call of the job after the first refusal, and after each that was answered. */
  readonly look: (refused: number) => Promise<void>;
};

const minutes = 240;
export const dearModel = "o1";
const job = "reports";
const others = ["search", "classify", "support"];

export async function runNight({ installation, budget, limitNanoUsd, maxTokens, look }: NightPlan): Promise<Night> {
  const { clock, simulator } = installation;
  let requests = 0;
  const jobClient = installation.client(await installation.issue(job, { team: "finance", service: job }), {
    fetch: (input, init) => {
      requests++;
      return fetch(input, init);
    },
  });
  const clients: OpenAI[] = [];
  for (const service of others)
    clients.push(
      installation.client(await installation.issue(service, { team: "product", service }), { maxRetries: 0 }),
    );

  const jobBill = () => billNanoUsd(simulator.bill().filter(({ model }) => model === dearModel));
  const refusedAtMs: number[] = [];
  const errors: unknown[] = [];
  let served = 0;
  let othersServed = 0;
  for (let minute = 0; minute < minutes; minute++) {
    clock.advance(50_000);
    const client = clients[minute % clients.length];
    const [outcome] = await Promise.all([
      jobClient.chat.completions
        .create({
          model: dearModel,
          messages: [{ role: "user", content: `Weekly report, run ${minute}` }],
          ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
        })
        .then(
          () => "served" as const,
          (error: unknown) => error,
        ),
      // Never refused, whatever the job does: a refusal would be thrown here.
      client?.chat.completions.create({
        model: "gpt-4o-mini",
        max_completion_tokens: 50,
        messages: [{ role: "user", content: `Question ${minute}` }],
      }),
    ]);
    othersServed++;
    // What was spent is reported within five seconds.
    clock.advance(10_000);
    expect(jobBill()).toBeLessThanOrEqual(limitNanoUsd);
    for (const { spent, committed } of await accountsOf(installation, budget)) {
      expect(spent).toBeLessThanOrEqual(limitNanoUsd);
      expect(committed).toBeLessThanOrEqual(limitNanoUsd);
    }
    if (outcome !== "served") {
      refusedAtMs.push(clock.wallMs());
      errors.push(outcome);
      if (refusedAtMs.length === 1) await look(1);
      continue;
    }
    served++;
    await eventually("the job's account to agree with the bill", async () => {
      const spent = (await jobAccount(installation, budget))?.spent;
      return spent === jobBill() ? true : `${spent}, not ${jobBill()}`;
    });
    await look(0);
  }
  return { served, refusedAtMs, errors, requests, others: othersServed };
}

/** The account of the job's service, or the only one. */
export async function jobAccount(installation: Installation, budget: string): Promise<Account | undefined> {
  const accounts = await accountsOf(installation, budget);
  return accounts.find(({ values }) => values === job || values === "");
}
