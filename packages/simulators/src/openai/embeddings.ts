/**
 * `POST /embeddings`: hashed n-grams. No meaning is in them, but texts that share words are near each other, the same text
 * has the same vector, and every vector has length 1, as the vendor's have.
 */

import { hash } from "node:crypto";
import { tokensOfText } from "../answer/count-tokens.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Call, Reply } from "../reply.ts";
import type { JsonObject } from "../vendor.ts";
import { invalid } from "./errors.ts";
import { spentOn, usageOf } from "./usage.ts";

const inputsMax = 2048;

export function embeddings(_call: Call, body: JsonObject & { model: string }, knobs: Knobs): Reply {
  const inputs = textsOf(body.input);
  if (body.input === undefined)
    return invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter");
  if (inputs === undefined || inputs.length === 0 || inputs.length > inputsMax) {
    return invalid("'$.input' is invalid. Please check the API reference.", "input");
  }
  const dimensionsMax = body.model.includes("large") ? 3072 : 1536;
  const dimensions = body.dimensions ?? dimensionsMax;
  if (!Number.isInteger(dimensions) || (dimensions as number) < 1 || (dimensions as number) > dimensionsMax) {
    return invalid(`Invalid value for 'dimensions': a whole number from 1 to ${dimensionsMax}.`, "dimensions");
  }

  const tokens = inputs.reduce((sum, text) => sum + tokensOfText(text), 0);
  const spent = spentOn(body.model, { tokens, cachedTokens: 0 }, [], knobs);
  const usage = usageOf(spent, knobs) as JsonObject | undefined;
  return {
    kind: "json",
    status: 200,
    headers: { "content-type": "application/json" },
    spent,
    body: {
      object: "list",
      data: inputs.map((text, index) => {
        const vector = embed(text, dimensions as number);
        const base64 = () => Buffer.from(vector.buffer).toString("base64");
        return {
          object: "embedding",
          index,
          embedding: body.encoding_format === "base64" ? base64() : Array.from(vector),
        };
      }),
      model: body.model,
      ...(usage ? { usage: { prompt_tokens: usage.prompt_tokens, total_tokens: usage.prompt_tokens } } : {}),
    },
  };
}

/** A text, texts, a text as token numbers, or several such. */
function textsOf(input: unknown): string[] | undefined {
  if (typeof input === "string") return input === "" ? undefined : [input];
  if (!Array.isArray(input)) return undefined;
  if (input.every((item) => typeof item === "string")) return input;
  if (input.every(Number.isInteger)) return [input.join(" ")];
  if (input.every((item) => Array.isArray(item) && item.every(Number.isInteger)))
    return input.map((item) => item.join(" "));
  return undefined;
}

function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  for (const word of words) {
    const padded = `^${word}$`;
    for (const gram of [padded, ...threeGrams(padded)]) {
      const bytes = hash("md5", gram, "buffer");
      const at = bytes.readUInt32LE(0) % dimensions;
      vector[at]! += bytes[4]! & 1 ? 1 : -1;
    }
  }
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  else for (let at = 0; at < dimensions; at++) vector[at]! /= length;
  return vector;
}

function threeGrams(word: string): string[] {
  return Array.from({ length: Math.max(0, word.length - 2) }, (_, at) => word.slice(at, at + 3));
}
