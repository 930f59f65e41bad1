/**
 * What a simulated model says: a pure function of what was asked. It calls tools when it is given some and is not just
 * answering their results; otherwise it writes JSON where asked, or words. Vendors' folders put it on the wire.
 */

import { hash } from "node:crypto";
import type { Knobs } from "../knobs/knobs.ts";
import { sampleJson } from "./sample-json.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import { words } from "./words.ts";

export type Tool = { readonly name: string; readonly schema: unknown };

export type Ask = {
  readonly model: string;
  /** Hexadecimal digest of the request; `choice` makes each of n answers another one. */
  readonly digest: string;
  readonly choice: number;
  /** The last thing that the user said; it is quoted in the answer. */
  readonly lastUserText: string;
  /** The conversation ends in a tool's result: now the model talks. */
  readonly afterToolResult: boolean;
  readonly tools: readonly Tool[];
  readonly toolChoice: "none" | "auto" | "required" | { readonly name: string };
  readonly parallelTools: boolean;
  /** JSON is wanted: any object, or one of a schema. */
  readonly json: { readonly schema: unknown } | undefined;
  readonly tokensMax: number | undefined;
  readonly stops: readonly string[];
  /** Tokens of thought before the answer; they count against `tokensMax`. */
  readonly reasoningTokens: number;
};

export type Answer = {
  /** A piece is a token, and a delta on a stream. */
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly toolCalls: readonly { readonly name: string; readonly argumentPieces: readonly string[] }[];
  readonly end: { readonly kind: "done" | "length" | "tools" } | { readonly kind: "stop"; readonly stop: string };
  readonly outputTokens: number;
};

export function composeAnswer(ask: Ask, knobs: Knobs): Answer {
  const random = seededRandom(hash("sha256", `${ask.digest} ${ask.choice}`));
  const tokensMax = knobs["ignore-cap"] ? undefined : ask.tokensMax;
  const reasoning = wordPieces(ask.reasoningTokens, random)
    .slice(0, tokensMax)
    .map((word) => `${word} `);
  const tokensLeft = (tokensMax ?? Number.POSITIVE_INFINITY) - reasoning.length;

  const toolCalls = chosenTools(ask, knobs).map((tool) => ({
    name: tool.name,
    argumentPieces: piecesOf(JSON.stringify(sampleJson(tool.schema, random))),
  }));
  if (toolCalls.length > 0) {
    const { calls, used, end } = limitedCalls(toolCalls, tokensLeft);
    return { reasoning, text: [], toolCalls: calls, end, outputTokens: reasoning.length + used };
  }

  const whole = ask.json ? piecesOf(JSON.stringify(jsonAnswer(ask, random))) : prosePieces(ask, knobs, random);
  const { text, end } = limited(whole, ask.stops, tokensLeft);
  return { reasoning, text, toolCalls: [], end, outputTokens: reasoning.length + text.length };
}

/** Those that the user named, else the first; one alone where calls in parallel are not wanted. `tools=n` asks for n calls. */
function chosenTools(ask: Ask, knobs: Knobs): Tool[] {
  const { toolChoice, tools } = ask;
  if (tools.length === 0 || toolChoice === "none") return [];
  if (typeof toolChoice === "object") return tools.filter((tool) => tool.name === toolChoice.name).slice(0, 1);
  if (ask.afterToolResult && toolChoice === "auto") return [];
  const named = tools.filter((tool) => ask.lastUserText.includes(tool.name));
  const candidates = named.length > 0 ? named : tools.slice(0, 1);
  const count = ask.parallelTools ? (knobs.tools ?? candidates.length) : Math.min(knobs.tools ?? 1, 1);
  return Array.from({ length: count }, (_, at) => candidates[at % candidates.length]!);
}

function jsonAnswer(ask: Ask, random: SeededRandom): unknown {
  return ask.json?.schema === undefined
    ? { answer: words[random(words.length)], simulated: true }
    : sampleJson(ask.json.schema, random);
}

function prosePieces(ask: Ask, knobs: Knobs, random: SeededRandom): string[] {
  const quoted = ask.lastUserText.slice(0, quotedMax).replace(/\s+/g, " ").trim();
  const opening = `This is ${ask.model}, simulated. You said: “${quoted}”. Here is what I know:`;
  const pieces = piecesOfWords(opening);
  const wanted = knobs.tokens ?? pieces.length + 8 + random(16);
  return [...pieces, ...wordPieces(wanted - pieces.length, random).map((word) => ` ${word}`)].slice(0, wanted);
}

/** How much of the user's text is quoted, in UTF-16 units. */
const quotedMax = 120;

function limited(whole: readonly string[], stops: readonly string[], tokensMax: number): Pick<Answer, "text" | "end"> {
  const text: string[] = [];
  let written = "";
  for (const piece of whole) {
    if (text.length >= tokensMax) return { text, end: { kind: "length" } };
    const stop = stops.find((candidate) => candidate !== "" && (written + piece).includes(candidate));
    if (stop !== undefined) {
      const kept = (written + piece).slice(0, (written + piece).indexOf(stop));
      return { text: piecesOfWords(kept), end: { kind: "stop", stop } };
    }
    written += piece;
    text.push(piece);
  }
  return { text, end: { kind: "done" } };
}

/** Arguments are cut wherever the length is reached, as a model's are; calls after that are not made. */
function limitedCalls(
  whole: Answer["toolCalls"],
  tokensMax: number,
): { calls: Answer["toolCalls"]; used: number; end: Answer["end"] } {
  const calls: Answer["toolCalls"][number][] = [];
  let used = 0;
  for (const call of whole) {
    if (used >= tokensMax) return { calls, used, end: { kind: "length" } };
    const argumentPieces = call.argumentPieces.slice(0, tokensMax - used);
    used += argumentPieces.length;
    calls.push({ ...call, argumentPieces });
    if (argumentPieces.length < call.argumentPieces.length) return { calls, used, end: { kind: "length" } };
  }
  return { calls, used, end: { kind: "tools" } };
}

function wordPieces(count: number, random: SeededRandom): string[] {
  return Array.from({ length: Math.max(0, count) }, () => words[random(words.length)]!);
}

function piecesOfWords(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

/** JSON arrives four characters at a time, cut anywhere but inside a character. */
function piecesOf(json: string): string[] {
  return json.match(/.{1,4}/gsu) ?? [];
}
