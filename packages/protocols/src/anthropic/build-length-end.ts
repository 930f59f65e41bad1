/** The end of an Anthropic stream that has reached its length: the open block ends, then the message, with `max_tokens`. */

import type { LengthEnd } from "../answer-reader.ts";

export function buildLengthEnd({ state, outputTokens }: LengthEnd): string {
  const { openBlock } = state;
  let stop = "";
  if (openBlock !== undefined) {
    const { index, isBareTool } = openBlock;
    // Accumulators want a delta at least of a tool's arguments.
    const bare = { type: "input_json_delta", partial_json: "" };
    if (isBareTool) stop = event({ type: "content_block_delta", index, delta: bare });
    stop += event({ type: "content_block_stop", index });
  }
  const delta = { stop_reason: "max_tokens", stop_sequence: null };
  // The input was told by message_start. SDKs throw where usage is missing.
  const end = event({ type: "message_delta", delta, usage: { output_tokens: outputTokens } });
  return `${stop}${end}${event({ type: "message_stop" })}`;
}

function event(data: { readonly type: string; readonly [member: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
