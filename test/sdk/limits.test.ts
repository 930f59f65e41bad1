/** What the vendors' own clients make of limits: which class they raise, whether they come again, how a shortened answer ends. */

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { limitPlan } from "../../packages/data-plane/test/gateway.ts";
import { type Limited, startLimited } from "../../packages/data-plane/test/limited.ts";

type Client = {
  readonly name: string;
  /** Nano-USD: more than one call of 200 tokens may cost, less than two. */
  readonly roomForOne: string;
  call(limited: Limited, cap: number, model?: string): Promise<unknown>;
  /** The reason that a stream's end gives. */
  stream(limited: Limited, cap: number): Promise<{ end: unknown; text: string }>;
  readonly rateLimitError: new (...words: never[]) => Error;
  readonly permissionError: new (...words: never[]) => Error;
};

const messages = [{ role: "user" as const, content: "Tell me about weirs" }];
const openai = ({ gateway }: Limited) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key });
const anthropic = ({ gateway }: Limited) => new Anthropic({ baseURL: gateway.url, apiKey: gateway.key });

const clients: Client[] = [
  {
    name: "OpenAI",
    roomForOne: "5000000",
    rateLimitError: OpenAI.RateLimitError,
    permissionError: OpenAI.PermissionDeniedError,
    call: (limited, cap, model = "gpt-4o") =>
      openai(limited).chat.completions.create({ model, messages, max_completion_tokens: cap }),
    async stream(limited, cap) {
      let [end, text]: [unknown, string] = [undefined, ""];
      const stream = await openai(limited).chat.completions.create({
        ...{ model: "gpt-4o", messages, max_completion_tokens: cap, stream: true },
      });
      for await (const { choices } of stream) {
        text += choices[0]?.delta.content ?? "";
        end = choices[0]?.finish_reason ?? end;
      }
      return { end, text };
    },
  },
  {
    name: "Anthropic",
    roomForOne: "12000000",
    rateLimitError: Anthropic.RateLimitError,
    permissionError: Anthropic.PermissionDeniedError,
    call: (limited, cap, model = "claude-sonnet-5-5") =>
      anthropic(limited).messages.create({ model, messages, max_tokens: cap }),
    async stream(limited, cap) {
      const stream = anthropic(limited).messages.stream({ model: "claude-sonnet-5-5", messages, max_tokens: cap });
      const { stop_reason, content } = await stream.finalMessage();
      return { end: stop_reason, text: content.map((block) => (block.type === "text" ? block.text : "")).join("") };
    },
  },
];

test.for(clients.map((client) => [client.name, client] as const))(
  "%s: a budget that is used up is a rate limit error, and the client does not come again",
  async ([, client]) => {
    await using limited = await startLimited({ limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "1" }])] });
    const error = await client.call(limited, 50).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(client.rateLimitError);
    expect(error).toMatchObject({ status: 429, message: expect.stringContaining("Budget default/dollars") });
    await limited.event();
    expect(await limited.gateway.usage(1)).toHaveLength(1);
  },
);

test.for(clients.map((client) => [client.name, client] as const))(
  "%s: where calls in flight hold the budget, the client comes again when it is told to, and is served",
  async ([, client]) => {
    await using limited = await startLimited({
      limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: client.roomForOne }], { maxWaitMs: 50 })],
      behaviour: () => ({ latency: 600, tokens: 5 }),
    });
    const answers = await Promise.all([client.call(limited, 200), client.call(limited, 200)]);
    expect(answers).toHaveLength(2);
    const events = await limited.gateway.usage(3);
    expect(events.map(({ code = "served" }) => code).sort()).toEqual(["budget_reserved", "served", "served"]);
    expect(await limited.spent("dollars")).toBe(limited.billed());
  },
);

test.for(clients.map((client) => [client.name, client] as const))(
  "%s: what is stopped by hand is a permission error, once",
  async ([, client]) => {
    await using limited = await startLimited({ stops: [{ dimension: "Team", value: "search", reason: "a loop" }] });
    const error = await client.call(limited, 50).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(client.permissionError);
    expect(await limited.gateway.usage(1)).toHaveLength(1);
  },
);

test.for([
  ["OpenAI", clients[0], "length"],
  ["Anthropic", clients[1], "max_tokens"],
] as const)(
  "%s: a stream that is ended at its cap is a short answer to the client, and no error",
  async ([, client, reason]) => {
    await using limited = await startLimited({
      limits: [limitPlan("dollars", [{ unit: "nanoUsd", amount: "5000000000" }])],
      behaviour: () => ({ "ignore-cap": true, tokens: 4_000, "gap-ms": 1 }),
    });
    const { end, text } = (await client?.stream(limited, 10)) ?? {};
    expect(end).toBe(reason);
    expect(text?.length).toBeGreaterThan(0);
  },
);
