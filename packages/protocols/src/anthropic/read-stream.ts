/**
 * Reads a stream of Anthropic messages:
 *
 *   message_start (block ‖ ping)* message_delta+ message_stop        | any prefix, then error
 *
 * Only events about the whole message are parsed; deltas of blocks, which are nearly all, are told by their first bytes.
 */

import type { EventMark, StreamReader } from "../answer-reader.ts";
import { eventParts, parseObject } from "../sse/event-data.ts";
import type { Usage } from "../usage.ts";
import { mergeUsage, readUsage, type ToldUsage } from "./read-usage.ts";

const blockDelta = Buffer.from("event: content_block_");

export class AnthropicStreamReader implements StreamReader {
  error: { type: string; message: string } | undefined;
  #told: ToldUsage | undefined;
  #hasContent = false;
  #stopped = false;

  get usage(): Usage | undefined {
    return readUsage(this.#told);
  }

  read(event: Buffer): EventMark {
    if (
      this.#hasContent &&
      event.length > blockDelta.length &&
      event.compare(blockDelta, 0, blockDelta.length, 0, blockDelta.length) === 0
    ) {
      return "content";
    }
    const { name, data } = eventParts(event);
    const object = parseObject(data);
    const type = name ?? object?.type;
    if (type === "error" || object?.type === "error") {
      const error = (object?.error ?? {}) as Record<string, unknown>;
      this.error = {
        type: String(error.type ?? "api_error"),
        message: String(error.message ?? "The provider ended the stream with an error"),
      };
      return "error";
    }
    if (type === "message_start") {
      this.#told = mergeUsage(this.#told, (object?.message as { usage?: unknown } | undefined)?.usage);
      return "opening";
    }
    if (type === "message_delta") this.#told = mergeUsage(this.#told, object?.usage);
    if (type === "message_stop") this.#stopped = true;
    if (type === "ping" || data === undefined || (type === "content_block_start" && opensEmpty(object?.content_block)))
      return this.#mark();
    this.#hasContent = true;
    return "content";
  }

  complete(): boolean {
    return this.#stopped;
  }

  #mark(): EventMark {
    return this.#hasContent ? "content" : "opening";
  }
}

/** A block of text or thinking begins empty; a tool call or a server's result is content at once. */
function opensEmpty(block: unknown): boolean {
  const { type, text, thinking } = (block ?? {}) as Record<string, unknown>;
  if (type === "text") return text === undefined || text === "";
  return type === "thinking" && (thinking === undefined || thinking === "");
}
