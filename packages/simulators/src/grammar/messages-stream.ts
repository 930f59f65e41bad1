/**
 * An automaton for Anthropic's message stream, for tests of whatever writes one:
 *   message_start · (block | ping)* · message_delta+ · message_stop, with blocks 0, 1, 2 … that never overlap
 */

import { type Grammar, isJson } from "./chat-stream.ts";

type State = "start" | "between" | "block" | "ending" | "stopped";
type Data = {
  type?: string;
  index?: number;
  message?: { content?: unknown[]; usage?: object };
  content_block?: { type: string };
  delta?: { type?: string; partial_json?: string; stop_reason?: string | null };
  usage?: object;
};

const deltaOfBlock: Record<string, readonly string[]> = {
  text: ["text_delta", "citations_delta"],
  thinking: ["thinking_delta", "signature_delta"],
  tool_use: ["input_json_delta"],
};

export function messagesStreamGrammar(): Grammar {
  let state: State = "start";
  let blocks = 0;
  let block: { type: string; deltas: number; json: string; signed: boolean } = {
    type: "",
    deltas: 0,
    json: "",
    signed: false,
  };
  let toolSeen = false;
  /** A block that only a length may have cut. */
  let cut: string | undefined;

  function step(data: Data): string | undefined {
    switch (data.type) {
      case "ping":
        return state === "start" || state === "stopped" ? `ping in ${state}` : undefined;
      case "message_start":
        if (state !== "start") return "a second message_start";
        state = "between";
        return data.message?.content?.length === 0 && data.message.usage
          ? undefined
          : "message_start without empty content or usage";
      case "content_block_start":
        if (state !== "between") return `content_block_start in ${state}`;
        if (cut !== undefined) return cut;
        if (data.index !== blocks) return `block ${data.index} where ${blocks} was due`;
        state = "block";
        block = { type: data.content_block?.type ?? "", deltas: 0, json: "", signed: false };
        return block.type in deltaOfBlock ? undefined : `a block of type ${block.type}`;
      case "content_block_delta":
        return state === "block" && data.index === blocks
          ? deltaFault(data.delta ?? {})
          : `a delta of block ${data.index} in ${state}`;
      case "content_block_stop":
        if (state !== "block" || data.index !== blocks) return `content_block_stop ${data.index} in ${state}`;
        blocks += 1;
        state = "between";
        return blockFault();
      case "message_delta":
        if (state !== "between" && state !== "ending") return `message_delta in ${state}`;
        state = "ending";
        if (!data.usage) return "message_delta without usage";
        if (data.delta?.stop_reason === "max_tokens") return undefined;
        if (cut !== undefined) return cut;
        return (data.delta?.stop_reason === "tool_use") === toolSeen
          ? undefined
          : `stop_reason ${data.delta?.stop_reason}`;
      case "message_stop":
        if (state !== "ending") return `message_stop in ${state}`;
        state = "stopped";
        return undefined;
      default:
        return `an event of type ${data.type}`;
    }
  }

  function deltaFault(delta: NonNullable<Data["delta"]>): string | undefined {
    if (!deltaOfBlock[block.type]?.includes(delta.type ?? "")) return `${delta.type} in a ${block.type} block`;
    if (block.signed) return "a delta after the signature";
    block.signed = delta.type === "signature_delta";
    block.deltas += 1;
    block.json += delta.partial_json ?? "";
    return undefined;
  }

  function blockFault(): string | undefined {
    if (block.type === "thinking" && !block.signed) cut = "a thinking block without signature";
    if (block.type !== "tool_use") return undefined;
    toolSeen = true;
    if (block.deltas === 0) return "a tool_use block without deltas";
    if (!isJson(block.json || "{}")) cut = "a tool's input is not JSON";
    return undefined;
  }

  return {
    event({ name, data }) {
      if (data === undefined) return undefined;
      if (!isJson(data)) return "data is not JSON";
      const parsed = JSON.parse(data) as Data;
      return name === parsed.type ? step(parsed) : `event: ${name} with data of type ${parsed.type}`;
    },
    end: () => (state === "stopped" ? undefined : "no message_stop"),
  };
}
