/**
 * Reads a stream of chat.completion.chunk (or text_completion) objects:
 *
 *   chunk(role) chunk(delta)* chunk(finish)+ usage? "data: [DONE]"
 *
 * Up to the first content each event is parsed; after that only those that name usage, so that a long answer costs a search a
 * chunk. Whether an answer without `[DONE]` was complete is judged at its end, from the last events.
 */

import type { EventMark, StreamReader } from "../answer-reader.ts";
import { eventObject, eventParts } from "../sse/event-data.ts";
import type { Usage } from "../usage.ts";
import { readUsage } from "./read-usage.ts";

/** Enough for one finish of each choice beside usage: servers send them close together. */
const lastEventsMax = 8;

export class OpenAIStreamReader implements StreamReader {
  usage: Usage | undefined;
  error: { type: string; message: string } | undefined;
  #hasContent = false;
  #done = false;
  readonly #last: Buffer[] = [];

  read(event: Buffer): EventMark {
    if (event.length < 32 && eventParts(event).data?.trim() === "[DONE]") {
      this.#done = true;
      return "content";
    }
    if (this.#hasContent && !mayTell(event)) {
      this.#remember(event);
      return "content";
    }
    const chunk = eventObject(event);
    if (chunk === undefined) return this.#hasContent ? "content" : "opening";
    if (chunk.error !== undefined && chunk.error !== null && chunk.error !== false) {
      this.error = errorOf(chunk.error);
      return "error";
    }
    this.#remember(event);
    const usage = readUsage(chunk.usage) ?? readUsage((chunk.x_groq as { usage?: unknown } | undefined)?.usage);
    // Some servers tell a running total on every chunk: the last one counts, never their sum.
    if (usage !== undefined) this.usage = usage;
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    if (choices.length === 0) return usage === undefined ? "opening" : "usage";
    if (!this.#hasContent) this.#hasContent = choices.some(hasContent);
    return this.#hasContent ? "content" : "opening";
  }

  complete(): boolean {
    if (this.#done) return true;
    return this.#last.some((event) => {
      const choices = eventObject(event)?.choices;
      return Array.isArray(choices) && choices.some((choice) => typeof choice?.finish_reason === "string");
    });
  }

  #remember(event: Buffer): void {
    if (this.#last.length === lastEventsMax) this.#last.shift();
    this.#last.push(event);
  }
}

/** Whether an event after the first content could be more than content. Quotes inside a text are escaped, so it can't fake this. */
function mayTell(event: Buffer): boolean {
  const usage = event.indexOf('"usage"');
  if (usage >= 0) {
    let at = usage + 7;
    while (event[at] === 0x20 || event[at] === 0x3a) at++;
    if (event[at] === 0x7b) return true;
  }
  return event.indexOf('"choices"') < 0;
}

function hasContent(choice: unknown): boolean {
  if (choice === null || typeof choice !== "object") return false;
  const { delta, text, finish_reason: finish } = choice as Record<string, unknown>;
  if (typeof finish === "string") return true;
  if (typeof text === "string") return text !== "";
  if (delta === null || typeof delta !== "object") return false;
  return Object.entries(delta).some(([name, value]) => {
    if (name === "role" || value === null || value === "") return false;
    return !(Array.isArray(value) && value.length === 0);
  });
}

function errorOf(error: unknown): { type: string; message: string } {
  if (typeof error === "string") return { type: "server_error", message: error };
  const { type, message, code } = error as Record<string, unknown>;
  return {
    type: String(type ?? code ?? "server_error"),
    message: String(message ?? "The provider ended the stream with an error"),
  };
}
