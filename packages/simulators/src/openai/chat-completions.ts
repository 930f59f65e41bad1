/** `POST /chat/completions`: what is asked, and the whole answer. The same answer as a stream is `chat-stream.ts`. */

import { hash } from "node:crypto";
import { type Ask, composeAnswer } from "../answer/compose-answer.ts";
import { tokensOfJson } from "../answer/count-tokens.ts";
import { idOf } from "../answer/ids.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Call, Reply } from "../reply.ts";
import type { JsonObject, Shop } from "../vendor.ts";
import { type Chat, finishReason } from "./chat.ts";
import { chatStream } from "./chat-stream.ts";
import { invalid } from "./errors.ts";
import { spentOn, usageOf } from "./usage.ts";

const choicesMax = 128;

export function chatCompletions(call: Call, body: JsonObject & { model: string }, knobs: Knobs, shop: Shop): Reply {
  const refused = refuse(body);
  if (refused !== undefined) return refused;
  const messages = body.messages as JsonObject[];

  const ask = askOf(call, body, messages, knobs);
  const count = typeof body.n === "number" ? body.n : 1;
  const answers = Array.from({ length: count }, (_, choice) => composeAnswer({ ...ask, choice }, knobs));
  const promptTokens = tokensOfJson(messages) + tokensOfJson(body.tools ?? []) + 3;
  const prompt = { tokens: promptTokens, cachedTokens: cachedTokens(messages, promptTokens, shop) };
  const spent = spentOn(body.model, prompt, answers, knobs);
  const chat: Chat = {
    call,
    id: idOf("chatcmpl-", 29, call),
    created: Math.floor(call.nowMs / 1000),
    model: body.model,
    answers,
    usage: usageOf(spent, knobs),
    spent,
    serviceTier: typeof body.service_tier === "string" && body.service_tier !== "auto" ? body.service_tier : "default",
  };
  if (body.stream === true) return chatStream(chat, asObject(body.stream_options).include_usage === true, knobs);
  const headers = { "content-type": "application/json" };
  return { kind: "json", status: 200, headers, body: wholeAnswer(chat), spent };
}

function refuse(body: JsonObject): Reply | undefined {
  const { messages, model } = body;
  if (messages === undefined)
    return invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  if (!Array.isArray(messages))
    return invalid("Invalid type for 'messages': expected an array of objects.", "messages", "invalid_type");
  if (messages.length === 0) return invalid("Invalid 'messages': empty array.", "messages", "empty_array");
  for (const [at, message] of messages.entries()) {
    if (!roles.includes(asObject(message).role as string)) {
      return invalid(
        `Invalid value for 'messages[${at}].role': one of ${roles.join(", ")}.`,
        `messages[${at}].role`,
        "invalid_value",
      );
    }
  }
  const { n } = body;
  if (n !== undefined && n !== null && !(Number.isInteger(n) && (n as number) >= 1 && (n as number) <= choicesMax)) {
    return invalid(`Invalid value for 'n': a whole number from 1 to ${choicesMax}.`, "n", "invalid_value");
  }
  if (body.max_tokens !== undefined && body.max_tokens !== null && reasons(String(model))) {
    const message =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    return invalid(message, "max_tokens", "unsupported_parameter");
  }
  if (body.stream_options !== undefined && body.stream_options !== null && body.stream !== true) {
    return invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
  }
  return undefined;
}

const roles = ["system", "developer", "user", "assistant", "tool", "function"];

function reasons(model: string): boolean {
  return /^(o\d|gpt-5)/.test(model);
}

function askOf(call: Call, body: JsonObject & { model: string }, messages: JsonObject[], knobs: Knobs): Ask {
  const tools = Array.isArray(body.tools) ? body.tools.map((tool) => asObject(asObject(tool).function)) : [];
  const choice = body.tool_choice ?? "auto";
  const format = asObject(body.response_format);
  const tokensMax = body.max_completion_tokens ?? body.max_tokens;
  const stops = typeof body.stop === "string" ? [body.stop] : Array.isArray(body.stop) ? body.stop.map(String) : [];
  return {
    model: body.model,
    digest: call.digest,
    choice: 0,
    lastUserText: textOf(messages.findLast((message) => message.role === "user")?.content),
    afterToolResult: messages.at(-1)?.role === "tool",
    tools: tools.map((tool) => ({ name: String(tool.name), schema: tool.parameters ?? { type: "object" } })),
    toolChoice:
      choice === "none" || choice === "auto" || choice === "required"
        ? choice
        : { name: String(asObject(asObject(choice).function).name) },
    parallelTools: body.parallel_tool_calls !== false,
    json:
      format.type === "json_object"
        ? { schema: undefined }
        : format.type === "json_schema"
          ? { schema: asObject(format.json_schema).schema }
          : undefined,
    tokensMax: typeof tokensMax === "number" ? tokensMax : undefined,
    stops,
    reasoningTokens: knobs.reasoning ?? (reasons(body.model) ? usualReasoningTokens : 0),
  };
}

const usualReasoningTokens = 64;

/** OpenAI caches prompts of 1024 tokens and more by itself, in steps of 128. The prefix is all but the last message. */
function cachedTokens(messages: JsonObject[], promptTokens: number, shop: Shop): number {
  if (promptTokens < 1024 || messages.length < 2) return 0;
  const prefix = messages.slice(0, -1);
  if (!shop.promptCache.touch(hash("sha256", `openai ${JSON.stringify(prefix)}`))) return 0;
  return Math.floor(tokensOfJson(prefix) / 128) * 128;
}

function wholeAnswer(chat: Chat): object {
  return {
    id: chat.id,
    object: "chat.completion",
    created: chat.created,
    model: chat.model,
    choices: chat.answers.map((answer, index) => ({
      index,
      message: {
        role: "assistant",
        content: answer.toolCalls.length > 0 ? null : answer.text.join(""),
        refusal: null,
        annotations: [],
        ...(answer.toolCalls.length === 0
          ? {}
          : {
              tool_calls: answer.toolCalls.map((tool, at) => ({
                id: idOf("call_", 24, chat.call, `${index} ${at}`),
                type: "function",
                function: { name: tool.name, arguments: tool.argumentPieces.join("") },
              })),
            }),
      },
      logprobs: null,
      finish_reason: finishReason(answer),
    })),
    ...(chat.usage === undefined ? {} : { usage: chat.usage }),
    service_tier: chat.serviceTier,
    system_fingerprint: "fp_simulated",
  };
}

/** The text of a message's content, a string or parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof asObject(part).text === "string" ? asObject(part).text : "")).join(" ");
}

function asObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}
