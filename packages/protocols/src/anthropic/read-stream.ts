/**
 * Reads a stream of Anthropic messages:
 *
 *   message_start (block ‖ ping)* message_delta+ message_stop        | any prefix, then error
 *
 * Deltas of blocks, which are nearly all, are told by their first bytes and searched for what was written; the others are parsed.
 */

import type { EventMark, StreamReader, StreamState } from "../answer-reader.ts";
import { eventParts, parseObject } from "../sse/event-data.ts";
import { stringMemberBytes } from "../sse/string-member.ts";
import { outputTokensOf, type Usage } from "../usage.ts";
import { mergeUsage, readUsage, type ToldUsage } from "./read-usage.ts";

const delta = Buffer.from("event: content_block_delta");
/** What a model writes, by the members of its deltas. A signature is none of it. */
const writtenMembers = ['text"', 'partial_json"', 'thinking"'] as const;

export class AnthropicStreamReader implements StreamReader {
  error: { type: string; message: string } | undefined;
  contentEvents = 0;
  contentBytes = 0;
  usageTold = false;
  #told: ToldUsage | undefined;
  #openBlock: { readonly index: number; readonly isTool: boolean } | undefined;
  #blockHasDelta = false;
  #hasContent = false;
  #stopped = false;

  get usage(): Usage | undefined {
    const usage = readUsage(this.#told);
    if (usage === undefined || !this.usageTold || this.contentBytes === 0 || outputTokensOf(usage) > 0) return usage;
    return { ...usage, inconsistent: true };
  }

  get state(): StreamState {
    if (this.#openBlock === undefined) return { openChoices: [] };
    const { index, isTool } = this.#openBlock;
    return { openChoices: [], openBlock: { index, isBareTool: isTool && !this.#blockHasDelta } };
  }

  read(event: Buffer): EventMark {
    if (event.length > delta.length && event.compare(delta, 0, delta.length, 0, delta.length) === 0) {
      this.#count(event);
      this.#hasContent = true;
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
    if (data === undefined || type === "ping") return this.#mark();
    switch (type) {
      case "message_start":
        this.#told = mergeUsage(this.#told, (object?.message as { usage?: unknown } | undefined)?.usage);
        return this.#mark();
      case "content_block_start":
        return this.#startBlock(object);
      case "content_block_delta":
        this.#count(event);
        break;
      case "content_block_stop":
        this.#openBlock = undefined;
        break;
      case "message_delta":
        this.#endUsage(object?.usage);
        break;
      case "message_stop":
        this.#stopped = true;
    }
    this.#hasContent = true;
    return "content";
  }

  complete(): boolean {
    return this.#stopped;
  }

  #count(event: Buffer): void {
    this.#blockHasDelta = true;
    const text = event.toString("latin1");
    for (const member of writtenMembers) {
      const bytes = stringMemberBytes(text, member);
      if (bytes < 0) continue;
      // An empty delta opens a tool's arguments.
      if (bytes > 0) this.contentEvents++;
      this.contentBytes += bytes;
      return;
    }
  }

  #startBlock(object: Readonly<Record<string, unknown>> | undefined): EventMark {
    const block = object?.content_block;
    const { type, name } = (block ?? {}) as Record<string, unknown>;
    const isTool = String(type).endsWith("tool_use");
    if (typeof object?.index === "number") this.#openBlock = { index: object.index, isTool };
    this.#blockHasDelta = false;
    if (opensEmpty(block)) return this.#mark();
    this.#hasContent = true;
    // A search's result is not the model's writing; the call of a tool is.
    if (typeof name === "string" && isTool) {
      this.contentEvents++;
      this.contentBytes += Buffer.byteLength(name);
    }
    return "content";
  }

  #endUsage(usage: unknown): void {
    this.#told = mergeUsage(this.#told, usage);
    const output = (usage as { output_tokens?: unknown } | null | undefined)?.output_tokens;
    if (output !== undefined && output !== null) this.usageTold = true;
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
