/**
 * Reads a stream of chat.completion.chunk (or text_completion) objects:
 *
 *   chunk(role) chunk(delta)* chunk(finish)+ usage? "data: [DONE]"
 *
 * Up to the first content each event is parsed; after that only those that are more than a delta of one answer, so that a long
 * answer costs a few searches a chunk.
 */

import type { EventMark, StreamReader, StreamState } from "../answer-reader.ts";
import { eventObject, eventParts } from "../sse/event-data.ts";
import { memberBeginsWith, stringMemberBytes } from "../sse/string-member.ts";
import { outputTokensOf, type Usage } from "../usage.ts";
import { readUsage } from "./read-usage.ts";

/** More answers than any vendor gives at once are not told apart. */
const choicesMax = 1_024;

export class OpenAIStreamReader implements StreamReader {
  error: { type: string; message: string } | undefined;
  contentEvents = 0;
  contentBytes = 0;
  usageTold = false;
  #usage: Usage | undefined;
  #serviceTier: unknown;
  #hasContent = false;
  #done = false;
  /** Deltas may belong to any of several answers: each event is parsed. */
  #several: boolean;
  /** By index: whether it has ended. */
  readonly #choices = new Map<number, boolean>();
  readonly #choicesAsked: number;
  #first: Readonly<Record<string, unknown>> | undefined;

  /** `choices`: as asked for. */
  constructor(choices = 1) {
    this.#choicesAsked = choices;
    this.#several = choices > 1;
  }

  get usage(): Usage | undefined {
    const usage = this.#usage;
    if (usage === undefined || !this.usageTold || this.contentBytes === 0 || outputTokensOf(usage) > 0) return usage;
    return { ...usage, inconsistent: true };
  }

  get state(): StreamState {
    const { id, object, created, model } = this.#first ?? {};
    const count = Math.min(choicesMax, Math.max(this.#choicesAsked, ...this.#choices.keys().map((index) => index + 1)));
    const indexes = Array.from({ length: count }, (_, index) => index);
    return {
      ...(typeof id === "string" ? { id } : {}),
      ...(typeof object === "string" ? { object } : {}),
      ...(typeof created === "number" ? { created } : {}),
      ...(typeof model === "string" ? { model } : {}),
      openChoices: indexes
        .filter((index) => this.#choices.get(index) !== true)
        .map((index) => ({ index, begun: this.#choices.has(index) })),
    };
  }

  read(event: Buffer): EventMark {
    if (event.length < 32 && eventParts(event).data?.trim() === "[DONE]") {
      this.#done = true;
      return "content";
    }
    if (this.#hasContent && !this.#several) {
      const bytes = deltaBytes(event.toString("latin1"));
      if (bytes > 0) {
        this.contentEvents++;
        this.contentBytes += bytes;
        return "content";
      }
    }
    const chunk = eventObject(event);
    if (chunk === undefined) return this.#hasContent ? "content" : "opening";
    if (chunk.error !== undefined && chunk.error !== null && chunk.error !== false) {
      this.error = errorOf(chunk.error);
      return "error";
    }
    return this.#readChunk(chunk);
  }

  complete(): boolean {
    if (this.#done) return true;
    let ended = 0;
    for (const over of this.#choices.values()) if (over) ended++;
    return ended > 0 && ended === this.#choices.size;
  }

  #readChunk(chunk: Readonly<Record<string, unknown>>): EventMark {
    if (this.#first === undefined && typeof chunk.id === "string") {
      this.#first = { id: chunk.id, object: chunk.object, created: chunk.created, model: chunk.model };
      // The legacy endpoint answers several prompts at once, one after the other.
      if (chunk.object === "text_completion") this.#several = true;
    }
    this.#serviceTier = chunk.service_tier ?? this.#serviceTier;
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    let bytes = 0;
    for (const choice of choices) {
      if (choice === null || typeof choice !== "object") continue;
      const { index = 0, delta, text, finish_reason: finish } = choice as Record<string, unknown>;
      const ended = typeof finish === "string";
      this.#note(index, ended);
      const written = typeof text === "string" ? Buffer.byteLength(text) : writtenBytes(delta);
      bytes += written;
      this.#hasContent ||= ended || written > 0 || hasContent(delta);
    }
    if (bytes > 0) {
      this.contentEvents++;
      this.contentBytes += bytes;
    }
    const usage =
      readUsage(chunk.usage, this.#serviceTier) ??
      readUsage((chunk.x_groq as { usage?: unknown } | undefined)?.usage, this.#serviceTier);
    // Some servers tell a running total on every chunk: the last one counts, never their sum.
    if (usage !== undefined) {
      this.#usage = usage;
      this.usageTold = choices.length === 0 || this.complete();
    }
    if (choices.length === 0) return usage === undefined ? "opening" : "usage";
    return this.#hasContent ? "content" : "opening";
  }

  #note(index: unknown, ended: boolean): void {
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= choicesMax) return;
    if (index > 0) this.#several = true;
    this.#choices.set(index, ended || this.#choices.get(index) === true);
  }
}

/**
 * Bytes of a delta of text or of a tool's arguments, or 0 where the event may be more than that: usage, an end, an error, anything
 * else. Quotes inside a text are escaped, so that it can't fake this.
 */
function deltaBytes(text: string): number {
  if (memberBeginsWith(text, 'finish_reason"', 0x22) || memberBeginsWith(text, 'usage"', 0x7b)) return 0;
  for (const member of writtenMembers) {
    const bytes = stringMemberBytes(text, member);
    if (bytes > 0) return bytes;
  }
  return 0;
}

/** One of them has a text, and the others none, in nearly all deltas; the rest are parsed. */
const writtenMembers = ['content"', 'arguments"', 'reasoning_content"'] as const;

/** Something beside the role, be it empty: a tool call's name, a refusal, a sound. */
function hasContent(delta: unknown): boolean {
  if (delta === null || typeof delta !== "object") return false;
  return Object.entries(delta).some(([name, value]) => {
    if (name === "role" || value === null || value === "") return false;
    return !(Array.isArray(value) && value.length === 0);
  });
}

/** What says how or where, but is not written by the model. */
const frame = new Set(["role", "id", "type", "index", "data", "expires_at"]);

function writtenBytes(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value === null || typeof value !== "object") return 0;
  let bytes = 0;
  for (const [name, member] of Object.entries(value)) if (!frame.has(name)) bytes += writtenBytes(member);
  return bytes;
}

function errorOf(error: unknown): { type: string; message: string } {
  if (typeof error === "string") return { type: "server_error", message: error };
  const { type, message, code } = error as Record<string, unknown>;
  return {
    type: String(type ?? code ?? "server_error"),
    message: String(message ?? "The provider ended the stream with an error"),
  };
}
