/** What of an Anthropic request decides its worst case. See `request/read-features.ts`. */

import { isArray, isObject, isString, skipValue, textAt, walkArray, walkObject } from "../json/walk-json.ts";
import { addServerTool, type FeatureTally, isNothing, readUnknownMember } from "../request/feature-tally.ts";

/** Members that cost nothing beyond their own bytes and the output cap. */
const harmless = new Set(
  `model max_tokens messages metadata stop_sequences stream system temperature thinking tool_choice tools top_k top_p service_tier
  output_config output_format cache_control context_management mcp_servers container speed inference_geo`.split(/\s+/),
);

export function readAnthropicFeatures(bytes: Buffer, at: number, tally: FeatureTally): void {
  walkObject(bytes, at, (key, value) => {
    switch (key) {
      case "messages":
        return each(bytes, value, tally, readMessage);
      case "system":
        return readContent(bytes, value, tally);
      case "tools":
        return each(bytes, value, tally, readTool);
      case "thinking":
        return readThinking(bytes, value, tally);
      case "context_management":
        return readContextManagement(bytes, value, tally);
      case "mcp_servers":
        if (!isNothing(bytes, value)) addServerTool(tally, "mcp");
        return skipValue(bytes, value);
      case "container":
        if (!isNothing(bytes, value)) tally.references = true;
        return skipValue(bytes, value);
      case "speed":
      case "inference_geo":
        return readTier(bytes, value, tally);
    }
    if (harmless.has(key)) return skipValue(bytes, value);
    return readUnknownMember(bytes, key, value, harmless, tally);
  });
}

type Reader = (bytes: Buffer, at: number, tally: FeatureTally) => number;

function each(bytes: Buffer, at: number, tally: FeatureTally, read: Reader): number {
  if (!isArray(bytes, at)) {
    if (!isNothing(bytes, at)) tally.references = true;
    return skipValue(bytes, at);
  }
  return walkArray(bytes, at, (item) => {
    if (isObject(bytes, item)) return read(bytes, item, tally);
    tally.references = true;
    return skipValue(bytes, item);
  });
}

function readMessage(bytes: Buffer, at: number, tally: FeatureTally): number {
  return walkObject(bytes, at, (key, value) => {
    if (key === "content") return readContent(bytes, value, tally);
    if (key !== "role" && !isNothing(bytes, value)) tally.references = true;
    return skipValue(bytes, value);
  });
}

function readContent(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (isString(bytes, at)) return skipValue(bytes, at);
  return each(bytes, at, tally, readBlock);
}

const blockMembers = new Set(
  `text thinking signature data id name input tool_use_id is_error cache_control citations title context source`.split(
    " ",
  ),
);
/** All that they hold is in the body. A `tool_reference` is not among them: it repeats a whole tool. */
const textTypes = new Set(["text", "thinking", "redacted_thinking", "tool_use", "tool_result", "search_result"]);
const mediaTypes = new Set(["image", "document"]);

function readBlock(bytes: Buffer, at: number, tally: FeatureTally): number {
  return walkObject(bytes, at, (key, value) => {
    if (key === "content") return readContent(bytes, value, tally);
    const end = skipValue(bytes, value);
    if (key === "type") {
      const type = isString(bytes, value) ? textAt(bytes, value, end) : "";
      if (mediaTypes.has(type)) tally.media = true;
      else if (!textTypes.has(type)) tally.references = true;
    } else if (key === "source" && isObject(bytes, value)) tally.media = true;
    else if (!blockMembers.has(key) && !isNothing(bytes, value)) tally.references = true;
    return end;
  });
}

/** Tools whose `max_uses` the vendor keeps to. */
const countedTools = /^web_(search|fetch)_\d{8}$/;

function readTool(bytes: Buffer, at: number, tally: FeatureTally): number {
  let type: string | undefined;
  let usesMax = 0;
  const end = walkObject(bytes, at, (key, value) => {
    const valueEnd = skipValue(bytes, value);
    if (key === "type") {
      const told = isString(bytes, value) ? textAt(bytes, value, valueEnd) : "";
      // Of two types the one that could cost is taken.
      if (type === undefined || type === "custom") type = told;
      else if (told !== "custom" && told !== type) type = "";
    } else if (key === "max_uses") {
      const uses = Number(bytes.toString("latin1", value, valueEnd));
      usesMax = Number.isSafeInteger(uses) && uses > 0 ? Math.max(usesMax, uses) : Number.NaN;
    }
    return valueEnd;
  });
  if (type === undefined || type === "custom") return end;
  const maxCalls = countedTools.test(type) && usesMax > 0 ? usesMax : undefined;
  addServerTool(tally, type, maxCalls);
  return end;
}

function readThinking(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (!isObject(bytes, at)) return skipValue(bytes, at);
  return walkObject(bytes, at, (key, value) => {
    const end = skipValue(bytes, value);
    const budget = key === "budget_tokens" ? Number(bytes.toString("latin1", value, end)) : Number.NaN;
    if (Number.isSafeInteger(budget) && budget > 0) tally.outputCapMin = budget + 1;
    return end;
  });
}

/** Clearing leaves tokens out; compaction and what may come is a further, billed reading and writing. */
function readContextManagement(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (!isObject(bytes, at)) return skipValue(bytes, at);
  return walkObject(bytes, at, (key, value) => {
    if (key !== "edits" || !isArray(bytes, value)) {
      if (!isNothing(bytes, value)) tally.references = true;
      return skipValue(bytes, value);
    }
    return each(bytes, value, tally, (_, edit) =>
      walkObject(bytes, edit, (name, told) => {
        const end = skipValue(bytes, told);
        if (name !== "type") return end;
        const type = isString(bytes, told) ? textAt(bytes, told, end) : "";
        if (!type.startsWith("clear_")) addServerTool(tally, type);
        return end;
      }),
    );
  });
}

const tierName = /^[a-z_]{1,32}$/;

/** `fast`, or a region to stay in: multipliers of the price, as service tiers are. */
function readTier(bytes: Buffer, at: number, tally: FeatureTally): number {
  const end = skipValue(bytes, at);
  const tier = isString(bytes, at) ? textAt(bytes, at, end) : "";
  if (!tierName.test(tier) || tier === "standard" || tier === "global") return end;
  tally.serviceTier = tally.serviceTier === undefined ? tier : `${tally.serviceTier}+${tier}`;
  return end;
}
