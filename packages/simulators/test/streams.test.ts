/** Both vendors' streams, however they are asked for and wherever their bytes are cut, fit their grammar. */

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  chatStreamGrammar,
  createSimulator,
  type Grammar,
  messagesStreamGrammar,
  type SimulatorAddress,
} from "../src/index.ts";
import { eventsOf } from "./events.ts";

const simulator = createSimulator({ recordedMax: 0 });
let address: SimulatorAddress;
beforeAll(async () => {
  address = await simulator.listen();
});
afterAll(() => simulator[Symbol.asyncDispose]());

async function stream(path: string, body: object): Promise<string> {
  const answer = await fetch(`${address.url}${path}`, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ ...body, stream: true }),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  return answer.text();
}

function firstFault(grammar: Grammar, text: string): string | undefined {
  for (const event of eventsOf(text)) {
    const fault = grammar.event(event);
    if (fault !== undefined) return `${fault}: ${event.data}`;
  }
  return grammar.end();
}

const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const user = [{ role: "user", content: "What of weather and clock? 東京" }];
const functions = ["weather", "clock"].map((name) => ({ type: "function", function: { name, parameters: weather } }));
const tools = ["weather", "clock"].map((name) => ({ name, input_schema: weather }));

const chats = {
  text: {},
  "text with usage": { stream_options: { include_usage: true } },
  "three choices": { n: 3, stream_options: { include_usage: true } },
  "two tools at once": { tools: functions },
  "tools for two choices": { tools: functions, n: 2 },
  "one tool that takes nothing": { tools: [{ type: "function", function: { name: "now" } }] },
  "JSON of a schema": { response_format: { type: "json_schema", json_schema: { name: "w", schema: weather } } },
  "a length": { max_tokens: 2 },
  "a length within a tool's arguments": { max_tokens: 2, tools: functions },
  "a stop at once": { stop: "This" },
};

test.for(Object.entries(chats))("a chat stream of %s fits its grammar", async ([, asked]) => {
  for (const model of ["gpt-4o", "gpt-4o@cut-bytes-3", "gpt-4o@comments"]) {
    const text = await stream("/openai/v1/chat/completions", { model, messages: user, ...asked });
    const { n = 1, stream_options } = asked as { n?: number; stream_options?: object };
    expect(firstFault(chatStreamGrammar({ choices: n, usage: stream_options !== undefined }), text)).toBeUndefined();
  }
});

const messages = {
  text: {},
  thinking: { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 2048 },
  "thinking before tools": { thinking: { type: "adaptive" }, tools },
  "two tools at once": { tools },
  "one tool alone": { tools, tool_choice: { type: "any", disable_parallel_tool_use: true } },
  "a length": { max_tokens: 1 },
  "a length within a tool's arguments": { max_tokens: 2, tools },
  "a stop at once": { stop_sequences: ["This"] },
  "a cached system": { system: [{ type: "text", text: "Be kind", cache_control: { type: "ephemeral" } }] },
};

test.for(Object.entries(messages))("a message stream of %s fits its grammar", async ([, asked]) => {
  for (const model of ["claude-sonnet-4-5", "claude-sonnet-4-5@cut-bytes-3", "claude-sonnet-4-5@usage-twice"]) {
    const text = await stream("/anthropic/v1/messages", { model, max_tokens: 99, messages: user, ...asked });
    expect(firstFault(messagesStreamGrammar(), text)).toBeUndefined();
  }
});

test.for(["no-done", "truncate-json", "close-after-3", "error-after-3", "content-free-error", "no-usage"])(
  "the grammars refuse a stream that %s has spoiled",
  async (knob) => {
    const chat = { model: `gpt-4o@${knob}`, messages: user, stream_options: { include_usage: true } };
    expect(
      firstFault(chatStreamGrammar({ choices: 1, usage: true }), await stream("/openai/v1/chat/completions", chat)),
    ).toBeDefined();
    if (knob === "no-usage") return; // Anthropic's has an empty usage then, which its grammar allows
    const message = { model: `claude-sonnet-4-5@${knob}`, max_tokens: 99, messages: user };
    expect(firstFault(messagesStreamGrammar(), await stream("/anthropic/v1/messages", message))).toBeDefined();
  },
);

test("the grammars refuse any event left out or told twice", async () => {
  const chat = await stream("/openai/v1/chat/completions", {
    model: "gpt-4o",
    messages: user,
    tools: functions.slice(0, 1),
    stream_options: { include_usage: true },
  });
  const message = await stream("/anthropic/v1/messages", {
    model: "claude-sonnet-4-5",
    max_tokens: 99,
    messages: user,
    tools,
  });
  const spoil = (text: string, change: (blocks: string[], at: number) => void) => {
    const blocks = text.split(/(?<=\n\n)/);
    return blocks.flatMap((block, at) => {
      // A lost or doubled ping changes nothing, and a piece from the middle of arguments may leave JSON behind.
      if (/event: ping|"(arguments|partial_json)":"[^{}]*"/.test(block)) return [];
      const changed = [...blocks];
      change(changed, at);
      return [changed.join("")];
    });
  };
  const lost = (blocks: string[], at: number) => blocks.splice(at, 1);
  const twice = (blocks: string[], at: number) => blocks.splice(at, 0, blocks[at] ?? "");
  for (const change of [lost, twice]) {
    for (const text of spoil(chat, change))
      expect(firstFault(chatStreamGrammar({ choices: 1, usage: true }), text)).toBeDefined();
    for (const text of spoil(message, change)) {
      // A second message_delta is allowed.
      if (change === twice && text.split("event: message_delta").length === 3) continue;
      expect(firstFault(messagesStreamGrammar(), text)).toBeDefined();
    }
  }
});
