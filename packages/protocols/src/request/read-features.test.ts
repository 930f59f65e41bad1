import { expect, test } from "vitest";
import type { RequestFeatures } from "./read-features.ts";
import { readFeatures } from "./read-features.ts";
import { readRequest } from "./read-request.ts";

const chat = { name: "chat.completions", protocol: "openai" } as const;
const completions = { name: "completions", protocol: "openai" } as const;
const embeddings = { name: "embeddings", protocol: "openai" } as const;
const messages = { name: "messages", protocol: "anthropic" } as const;
type Asked = Parameters<typeof readRequest>[1];

const plain: RequestFeatures = {
  media: false,
  references: false,
  serverTools: [],
  audioOutput: false,
  serviceTier: undefined,
  choices: 1,
  prediction: false,
  outputCapMin: undefined,
};

function features(operation: Asked, body: object | string): RequestFeatures {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify({ model: "m", ...body }));
  const fields = readRequest(bytes, operation);
  if (fields.kind === "problem") throw new Error(fields.message);
  return readFeatures(bytes, fields, operation);
}

const said = (...content: unknown[]) => ({ messages: [{ role: "user", content }] });
const tools = (...list: unknown[]) => ({ messages: [], tools: list });
const unbounded = (kind: string) => ({ serverTools: [{ kind, maxCalls: undefined }] });

test.for<[string, Asked, object, Partial<RequestFeatures>]>([
  ["a chat of texts", chat, said({ type: "text", text: "hi" }, { text: '"type":"image_url"' }), {}],
  [
    "tools that the caller runs, and their results",
    chat,
    {
      messages: [
        { role: "assistant", content: null, refusal: null, audio: null, tool_calls: [{ id: "1", type: "function" }] },
        { role: "tool", tool_call_id: "1", content: "5" },
      ],
      tools: [
        { type: "function", function: { name: "f", parameters: { type: "object", properties: { image_url: {} } } } },
        { type: "custom", custom: { name: "g" } },
      ],
    },
    {},
  ],
  ["members that compatible servers add", chat, { messages: [], top_k: 4, min_p: 0.1, modalities: ["text"] }, {}],
  ["members that are null, false or empty", chat, { messages: null, plugins: [], enable_search: false, x: null }, {}],
  ["an image", chat, said({ type: "image_url", image_url: { url: "data:," } }), { media: true }],
  ["an image without a type", chat, said({ image_url: "https://x" }), { media: true }],
  ["a sound", chat, said({ type: "input_audio", input_audio: { data: "" } }), { media: true }],
  ["a file", chat, said({ type: "file", file: { file_id: "f" } }), { references: true }],
  ["a part of a new type", chat, said({ type: "hologram", text: "" }), { references: true }],
  ["a part that is no object", chat, said("hi"), { references: true }],
  ["messages that are no list", chat, { messages: { 0: 1 } }, { references: true }],
  ["an earlier answer's sound", chat, { messages: [{ role: "assistant", audio: { id: "a" } }] }, { references: true }],
  ["a member that nobody knows", chat, { messages: [], previous_response_id: "r" }, { references: true }],
  ["a sound as the answer", chat, { modalities: ["text", "audio"] }, { audioOutput: true }],
  ["the wish for a voice", chat, { audio: { voice: "alloy" } }, { audioOutput: true }],
  ["a search", chat, { web_search_options: {} }, unbounded("web_search")],
  ["a server's tool", chat, tools({ type: "mcp", server_url: "https://x" }), unbounded("mcp")],
  [
    "a tool in another's clothes",
    chat,
    tools({ type: "function", google_search: { x: 1 } }),
    unbounded("google_search"),
  ],
  ["models to fall back on", chat, { models: ["dear"] }, unbounded("models")],
  ["a cap in other letters", chat, { Max_Tokens: 100_000 }, unbounded("max_tokens")],
  ["a cap with a Kelvin sign", chat, { "max_to\u212aens": 100_000 }, unbounded("max_tokens")],
  ["a prediction", chat, { prediction: { type: "content", content: "x" } }, { prediction: true }],
  ["a service tier", chat, { service_tier: "priority" }, { serviceTier: "priority" }],
  ["several answers", chat, { n: 3 }, { choices: 3 }],
  ["several prompts", completions, { prompt: ["a", "b", "c"], n: 2, best_of: 4 }, { choices: 12 }],
  ["several prompts as numbers", completions, { prompt: [[1], [2, 3]] }, { choices: 2 }],
  ["one prompt as numbers", completions, { prompt: [1, 2, 3] }, { choices: 1 }],
  ["prompts as vectors", completions, { prompt_embeds: "AAAA" }, { references: true }],
  ["texts to embed", embeddings, { input: ["a", "b"] }, {}],
  ["numbers to embed", embeddings, { input: [[1, 2], [3]] }, {}],
  ["images to embed", embeddings, { input: [{ image: "https://x" }] }, { references: true }],
])("OpenAI: %s", ([, operation, body, expected]) => {
  expect(features(operation, body)).toEqual({ ...plain, ...expected });
});

test.for<[string, object, Partial<RequestFeatures>]>([
  [
    "what an agent sends",
    {
      system: [{ type: "text", text: "x", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: "hi" },
        { role: "system", content: "now" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "s" },
            { type: "tool_use", id: "1", name: "f", input: { type: "image", source: { type: "url" } } },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: [{ type: "text", text: "5" }] }] },
      ],
      tools: [
        { name: "f", input_schema: { type: "object" } },
        { type: "custom", name: "g", input_schema: {} },
      ],
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      metadata: { user_id: "u" },
    },
    {},
  ],
  ["an image", said({ type: "image", source: { type: "base64", data: "" } }), { media: true }],
  [
    "an image in a tool's result",
    said({ type: "tool_result", tool_use_id: "1", content: [{ type: "image", source: { type: "url", url: "x" } }] }),
    { media: true },
  ],
  ["a document", said({ type: "document", source: { type: "file", file_id: "f" } }), { media: true }],
  ["a source without a type", said({ source: { type: "url" } }), { media: true }],
  ["a search result in the body", said({ type: "search_result", source: "x", title: "t", content: [] }), {}],
  ["an upload", said({ type: "container_upload", file_id: "f" }), { references: true }],
  ["a tool named by reference", said({ type: "tool_reference", tool_name: "f" }), { references: true }],
  ["a block of a new type", said({ type: "hologram" }), { references: true }],
  ["a container", { container: "c" }, { references: true }],
  ["servers of tools", { mcp_servers: [{ url: "x" }] }, unbounded("mcp")],
  [
    "a search with a bound",
    tools({ type: "web_search_20250305", name: "web_search", max_uses: 5 }),
    { serverTools: [{ kind: "web_search_20250305", maxCalls: 5 }] },
  ],
  ["a search without a bound", tools({ type: "web_search_20250305" }), unbounded("web_search_20250305")],
  ["a bound that is none", tools({ type: "web_fetch_20250910", max_uses: "5" }), unbounded("web_fetch_20250910")],
  [
    "a bound that nobody keeps",
    tools({ type: "code_execution_20250825", max_uses: 5 }),
    unbounded("code_execution_20250825"),
  ],
  ["the vendor's own shell", tools({ type: "bash_20250124", name: "bash" }), unbounded("bash_20250124")],
  ["compaction", { context_management: { edits: [{ type: "compact_20260112" }] } }, unbounded("compact_20260112")],
  ["a budget of thought", { thinking: { type: "enabled", budget_tokens: 2048 } }, { outputCapMin: 2049 }],
  ["speed and region", { speed: "fast", inference_geo: "us" }, { serviceTier: "fast+us" }],
  ["a tier", { service_tier: "auto", speed: "standard", inference_geo: null }, { serviceTier: "auto" }],
])("Anthropic: %s", ([, body, expected]) => {
  expect(features(messages, body)).toEqual({ ...plain, ...expected });
});

test.for<[string, Asked, string, Partial<RequestFeatures>]>([
  [
    "a type in escapes",
    chat,
    '{"model":"m","messages":[{"role":"user","content":[{"type":"image_\\u0075rl"}]}]}',
    { media: true },
  ],
  [
    "names in escapes",
    chat,
    '{"model":"m","mess\\u0061ges":[{"c\\u006fntent":[{"\\u0069mage_url":"x"}]}]}',
    { media: true },
  ],
  [
    "a type told twice",
    chat,
    '{"model":"m","messages":[{"content":[{"type":"image_url","type":"text"}]}]}',
    { media: true },
  ],
  [
    "messages told twice",
    chat,
    '{"model":"m","messages":[{"content":[{"type":"image_url"}]}],"messages":[]}',
    { media: true },
  ],
  [
    "a tool's type told twice",
    messages,
    '{"model":"m","tools":[{"type":"mcp_toolset","type":"custom"}]}',
    unbounded("mcp_toolset"),
  ],
  [
    "two bounds",
    messages,
    '{"model":"m","tools":[{"type":"web_search_20250305","max_uses":1,"max_uses":9}]}',
    { serverTools: [{ kind: "web_search_20250305", maxCalls: 9 }] },
  ],
  [
    "spaces everywhere",
    chat,
    ' { "model" : "m" ,\n"tools" : [ { "type" : "x" } , { "type" : "function" } ] , "n" : 2 } ',
    { choices: 2, ...unbounded("x") },
  ],
])("no spelling hides %s", ([, operation, body, expected]) => {
  expect(features(operation, body)).toEqual({ ...plain, ...expected });
});
