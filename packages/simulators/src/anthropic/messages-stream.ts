/**
 * A message as a stream:
 *   message_start · for each block: content_block_start, deltas, content_block_stop · message_delta · message_stop
 * with one ping after the first content_block_start. Usage in message_delta is cumulative, not in addition.
 */

import type { Knobs } from "../knobs/knobs.ts";
import type { Reply, StreamEvent } from "../reply.ts";
import type { Block, Message } from "./message.ts";

const errorWire = wireOf("error", { type: "error", error: { type: "overloaded_error", message: "Overloaded" } });
const streamHeaders = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };

export function messagesStream(message: Message, knobs: Knobs): Reply {
  const events: StreamEvent[] = [];
  const emit = (data: { type: string }, tokens = 0, content = false) => {
    events.push({ wire: wireOf(data.type, data), tokens, content });
  };

  emit(messageStart(message, knobs));
  for (const [index, block] of message.blocks.entries()) {
    emit({ type: "content_block_start", index, content_block: emptyBlock(block) } as { type: string });
    if (index === 0) emit({ type: "ping" });
    for (const delta of deltasOf(block))
      emit({ type: "content_block_delta", index, delta } as { type: string }, 1, true);
    emit({ type: "content_block_stop", index } as { type: string });
  }
  const end = messageDelta(message, knobs);
  if (knobs["usage-twice"]) emit(end);
  emit(end);
  if (!knobs["no-done"]) emit({ type: "message_stop" });
  return { kind: "events", headers: streamHeaders, events, errorWire, spent: message.spent };
}

function messageStart(message: Message, knobs: Knobs): { type: string; message: object } {
  const opening = {
    id: message.id,
    type: "message",
    role: "assistant",
    model: message.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: knobs["no-usage"] ? { input_tokens: 0, output_tokens: 0 } : { ...message.usage, output_tokens: 1 },
  };
  return { type: "message_start", message: opening };
}

/** Without usage the member stays, empty: the vendor's SDK throws where it is missing. */
function messageDelta(message: Message, knobs: Knobs): { type: string; delta: object; usage: object } {
  const { cache_creation: _, service_tier: __, ...usage } = message.usage;
  const delta = { stop_reason: message.stopReason, stop_sequence: message.stopSequence };
  return { type: "message_delta", delta, usage: knobs["no-usage"] ? {} : usage };
}

function emptyBlock(block: Block): object {
  switch (block.type) {
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "text":
      return { type: "text", text: "" };
    case "tool_use":
      return { type: "tool_use", id: block.id, name: block.name, input: {} };
  }
}

function deltasOf(block: Block): object[] {
  switch (block.type) {
    case "thinking":
      // The signature comes whole: SDKs keep the last one, they do not join them.
      return [
        ...block.pieces.map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ];
    case "text":
      return block.pieces.map((text) => ({ type: "text_delta", text }));
    case "tool_use":
      return ["", ...block.pieces].map((partial_json) => ({ type: "input_json_delta", partial_json }));
  }
}

function wireOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
