/** `POST /messages`: what is asked, and the whole answer. The same answer as a stream is `messages-stream.ts`. */

import { type Answer, type Ask, composeAnswer } from "../answer/compose-answer.ts";
import { idOf } from "../answer/ids.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Call, Reply } from "../reply.ts";
import type { JsonObject, Shop } from "../vendor.ts";
import { errorReply } from "./errors.ts";
import type { Block, Message } from "./message.ts";
import { messagesStream } from "./messages-stream.ts";
import { spentOn, usageOf } from "./usage.ts";

export function messages(call: Call, body: JsonObject & { model: string }, knobs: Knobs, shop: Shop): Reply {
  const wrong = faultOf(body);
  if (wrong !== undefined) return errorReply(call, 400, wrong);

  const answer = composeAnswer(askOf(call, body, knobs), knobs);
  const spent = spentOn(body, answer, knobs, shop);
  const message: Message = {
    id: idOf("msg_01", 22, call),
    model: body.model,
    blocks: blocksOf(answer, call),
    ...stopOf(answer),
    usage: usageOf(spent, knobs),
    spent,
  };
  if (body.stream === true) return messagesStream(message, knobs);
  return {
    kind: "json",
    status: 200,
    headers: { "content-type": "application/json" },
    body: wholeMessage(message, knobs),
    spent,
  };
}

function faultOf(body: JsonObject): string | undefined {
  const { max_tokens: tokensMax, messages: turns } = body;
  if (tokensMax === undefined) return "max_tokens: Field required";
  if (!Number.isInteger(tokensMax) || (tokensMax as number) < 1)
    return "max_tokens: Input should be greater than or equal to 1";
  if (turns === undefined) return "messages: Field required";
  if (!Array.isArray(turns)) return "messages: Input should be a valid list";
  if (turns.length === 0) return "messages: at least one message is required";
  for (const [at, turn] of turns.entries()) {
    const { role, content } = asObject(turn);
    if (role !== "user" && role !== "assistant" && role !== "system")
      return `messages.${at}.role: Input should be 'user' or 'assistant'`;
    if (typeof content !== "string" && !Array.isArray(content)) return `messages.${at}.content: Field required`;
  }
  const thinking = asObject(body.thinking);
  if (thinking.type === "enabled") {
    const budget = thinking.budget_tokens;
    if (typeof budget !== "number" || budget < thinkingTokensMin) {
      return `thinking.enabled.budget_tokens: Input should be greater than or equal to ${thinkingTokensMin}`;
    }
    if (budget >= (tokensMax as number)) return "`max_tokens` must be greater than `thinking.budget_tokens`";
  }
  return undefined;
}

const thinkingTokensMin = 1024;
const usualThinkingTokens = 24;

function askOf(call: Call, body: JsonObject & { model: string }, knobs: Knobs): Ask {
  const turns = body.messages as JsonObject[];
  const choice = asObject(body.tool_choice);
  const thinking = asObject(body.thinking).type;
  const format = asObject(asObject(body.output_config).format ?? body.output_format);
  return {
    model: body.model,
    digest: call.digest,
    choice: 0,
    lastUserText: textOf(turns.findLast((turn) => turn.role === "user")?.content),
    afterToolResult: contentOf(turns.at(-1)).some((block) => block.type === "tool_result"),
    tools: contentList(body.tools).map((tool) => ({
      name: String(tool.name),
      schema: tool.input_schema ?? { type: "object" },
    })),
    toolChoice:
      choice.type === "none"
        ? "none"
        : choice.type === "any"
          ? "required"
          : choice.type === "tool"
            ? { name: String(choice.name) }
            : "auto",
    parallelTools: choice.disable_parallel_tool_use !== true,
    json: format.type === "json_schema" ? { schema: format.schema } : undefined,
    tokensMax: body.max_tokens as number,
    stops: Array.isArray(body.stop_sequences) ? body.stop_sequences.map(String) : [],
    reasoningTokens: thinking === "enabled" || thinking === "adaptive" ? (knobs.reasoning ?? usualThinkingTokens) : 0,
  };
}

function blocksOf(answer: Answer, call: Call): Block[] {
  const blocks: Block[] = [];
  if (answer.reasoning.length > 0) {
    const signature = Buffer.from(`simulated ${call.digest}`).toString("base64");
    blocks.push({ type: "thinking", pieces: answer.reasoning, signature });
  }
  if (answer.text.length > 0) blocks.push({ type: "text", pieces: answer.text });
  for (const [at, tool] of answer.toolCalls.entries()) {
    blocks.push({
      type: "tool_use",
      id: idOf("toolu_01", 22, call, String(at)),
      name: tool.name,
      pieces: tool.argumentPieces,
    });
  }
  return blocks;
}

function stopOf(answer: Answer): Pick<Message, "stopReason" | "stopSequence"> {
  switch (answer.end.kind) {
    case "done":
      return { stopReason: "end_turn", stopSequence: null };
    case "length":
      return { stopReason: "max_tokens", stopSequence: null };
    case "tools":
      return { stopReason: "tool_use", stopSequence: null };
    case "stop":
      return { stopReason: "stop_sequence", stopSequence: answer.end.stop };
  }
}

function wholeMessage(message: Message, knobs: Knobs): object {
  return {
    id: message.id,
    type: "message",
    role: "assistant",
    model: message.model,
    content: message.blocks.map((block) => {
      const text = block.pieces.join("");
      if (block.type === "thinking") return { type: block.type, thinking: text, signature: block.signature };
      if (block.type === "text") return { type: block.type, text };
      return { type: block.type, id: block.id, name: block.name, input: inputOf(text) };
    }),
    stop_reason: message.stopReason,
    stop_sequence: message.stopSequence,
    ...(knobs["no-usage"] ? {} : { usage: message.usage }),
  };
}

/** Arguments that were cut by the length are no JSON; the vendor then gives what it could read. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return contentList(content)
    .map((block) => (typeof block.text === "string" ? block.text : ""))
    .join(" ")
    .trim();
}

function contentOf(turn: JsonObject | undefined): JsonObject[] {
  return contentList(turn?.content);
}

function contentList(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject) : [];
}

function asObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}
