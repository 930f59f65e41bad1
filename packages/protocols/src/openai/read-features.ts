/**
 * What of an OpenAI request decides its worst case: chat completions, legacy completions and embeddings, with the members that
 * compatible servers add. See `request/read-features.ts`.
 */

import { isArray, isObject, isString, skipValue, textAt, walkArray, walkObject } from "../json/walk-json.ts";
import { addServerTool, type FeatureTally, isNothing, readUnknownMember } from "../request/feature-tally.ts";

/** Members that cost nothing beyond their own bytes and the output cap. */
const harmless = new Set(
  `model messages stream stream_options max_tokens max_completion_tokens n best_of temperature top_p frequency_penalty
  presence_penalty logit_bias logprobs top_logprobs stop seed user tools tool_choice parallel_tool_calls functions function_call
  response_format reasoning_effort verbosity metadata store service_tier modalities audio prediction web_search_options
  prompt_cache_key prompt_cache_retention safety_identifier prompt suffix echo input encoding_format dimensions input_type
  top_k min_p top_a typical_p repetition_penalty length_penalty min_tokens ignore_eos skip_special_tokens
  spaces_between_special_tokens include_stop_str_in_output stop_token_ids guided_json guided_regex guided_choice guided_grammar
  structured_outputs chat_template_kwargs enable_thinking thinking_budget thinking reasoning include_reasoning reasoning_format
  safe_prompt random_seed return_token_ids cache_prompt`.split(/\s+/),
);

export function readOpenAIFeatures(bytes: Buffer, at: number, tally: FeatureTally): void {
  walkObject(bytes, at, (key, value) => {
    switch (key) {
      case "messages":
        return each(bytes, value, tally, readMessage);
      case "tools":
        return each(bytes, value, tally, readTool);
      case "prompt":
        return readPrompt(bytes, value, tally);
      case "input":
        return readInput(bytes, value, tally);
      case "modalities":
        return readModalities(bytes, value, tally);
      case "audio":
        if (!isNothing(bytes, value)) tally.audioOutput = true;
        return skipValue(bytes, value);
      case "web_search_options":
        // An empty object asks for a search as well.
        if (isObject(bytes, value)) addServerTool(tally, "web_search");
        return skipValue(bytes, value);
      case "prediction":
        if (!isNothing(bytes, value)) tally.prediction = true;
        return skipValue(bytes, value);
    }
    if (harmless.has(key)) return skipValue(bytes, value);
    return readUnknownMember(bytes, key, value, harmless, tally);
  });
}

type Reader = (bytes: Buffer, at: number, tally: FeatureTally) => number;

/** Of a list of objects. Anything else there is nothing that we can judge. */
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

const messageMembers = new Set(
  `role name tool_calls tool_call_id function_call refusal annotations reasoning reasoning_content reasoning_details prefix
  cache_control`.split(/\s+/),
);

/** `audio` of an earlier answer is named by its id alone, and so is unknown here like the rest. */
function readMessage(bytes: Buffer, at: number, tally: FeatureTally): number {
  return walkObject(bytes, at, (key, value) => {
    if (key === "content") return readContent(bytes, value, tally);
    if (!messageMembers.has(key) && !isNothing(bytes, value)) tally.references = true;
    return skipValue(bytes, value);
  });
}

function readContent(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (isString(bytes, at)) return skipValue(bytes, at);
  return each(bytes, at, tally, readPart);
}

const textMembers = new Set(["text", "refusal", "thinking", "cache_control"]);
const textTypes = new Set(["text", "refusal", "thinking"]);
const mediaMembers = new Set(["image_url", "input_audio", "audio_url", "video_url", "image", "detail"]);
const mediaTypes = new Set(["image_url", "input_audio", "audio_url", "video_url", "image"]);

/** By its members as well as by its type: some servers go by the one, some by the other. */
function readPart(bytes: Buffer, at: number, tally: FeatureTally): number {
  return walkObject(bytes, at, (key, value) => {
    const end = skipValue(bytes, value);
    if (key === "type") {
      const type = isString(bytes, value) ? textAt(bytes, value, end) : "";
      if (mediaTypes.has(type)) tally.media = true;
      else if (!textTypes.has(type)) tally.references = true;
    } else if (mediaMembers.has(key)) tally.media = true;
    else if (!textMembers.has(key)) tally.references = true;
    return end;
  });
}

const toolMembers = new Set([
  "function",
  "custom",
  "name",
  "description",
  "parameters",
  "strict",
  "format",
  "cache_control",
]);
/** Tools that the caller runs. */
const callersTypes = new Set(["function", "custom"]);

function readTool(bytes: Buffer, at: number, tally: FeatureTally): number {
  let kind: string | undefined;
  const end = walkObject(bytes, at, (key, value) => {
    const valueEnd = skipValue(bytes, value);
    if (key === "type") {
      const type = isString(bytes, value) ? textAt(bytes, value, valueEnd) : "";
      if (!callersTypes.has(type)) kind = type;
    } else if (!toolMembers.has(key) && !isNothing(bytes, value)) kind ??= key;
    return valueEnd;
  });
  if (kind !== undefined) addServerTool(tally, kind);
  return end;
}

function readModalities(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (!isArray(bytes, at)) {
    if (!isNothing(bytes, at)) tally.audioOutput = true;
    return skipValue(bytes, at);
  }
  return walkArray(bytes, at, (item) => {
    const end = skipValue(bytes, item);
    if (!isString(bytes, item) || textAt(bytes, item, end) !== "text") tally.audioOutput = true;
    return end;
  });
}

/** One prompt as a text or as numbers of tokens, or several of them: each is answered. */
function readPrompt(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (!isArray(bytes, at)) {
    tally.prompts++;
    return skipValue(bytes, at);
  }
  let numbers = false;
  const end = walkArray(bytes, at, (item) => {
    if (isString(bytes, item) || isArray(bytes, item)) tally.prompts++;
    else if (isObject(bytes, item)) tally.references = true;
    else numbers = true;
    return skipValue(bytes, item);
  });
  if (numbers) tally.prompts++;
  return end;
}

/** Texts and numbers of tokens; servers that embed images take objects. */
function readInput(bytes: Buffer, at: number, tally: FeatureTally): number {
  if (isObject(bytes, at)) tally.references = true;
  if (!isArray(bytes, at)) return skipValue(bytes, at);
  return walkArray(bytes, at, (item) => {
    if (isObject(bytes, item)) tally.references = true;
    if (!isArray(bytes, item)) return skipValue(bytes, item);
    return walkArray(bytes, item, (inner) => {
      if (isObject(bytes, inner) || isArray(bytes, inner)) tally.references = true;
      return skipValue(bytes, inner);
    });
  });
}
