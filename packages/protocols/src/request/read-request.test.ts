import fc from "fast-check";
import { expect, test } from "vitest";
import { editRequest } from "./edit-request.ts";
import { readRequest } from "./read-request.ts";

const chat = { name: "chat.completions", protocol: "openai" } as const;
const completions = { name: "completions", protocol: "openai" } as const;
const embeddings = { name: "embeddings", protocol: "openai" } as const;
const messages = { name: "messages", protocol: "anthropic" } as const;
const read = (text: string, operation: Parameters<typeof readRequest>[1] = chat) =>
  readRequest(Buffer.from(text), operation);

test("model, stream and stream options are read wherever they stand", () => {
  expect(
    read('{"messages":[{"model":"no"}],"stream":true,"model":"gpt-4o","stream_options":{"include_usage":true}}'),
  ).toMatchObject({
    kind: "request",
    model: "gpt-4o",
    stream: true,
    streamOptions: { includeUsage: true },
  });
  expect(read('{"model":"m","stream":null,"stream_options":null,"n":null}')).toMatchObject({
    model: "m",
    stream: false,
  });
});

test.for([
  ["{", "not a JSON object", undefined],
  ['{"stream":true}', "is missing", "model"],
  ['{"model":5}', "must be a string", "model"],
  ['{"model":"a","model":"b"}', "stands twice", "model"],
  ['{"model":"a","mod\\u0065l":"b"}', "stands twice", "model"],
  ['{"model":"a","stream":"yes"}', "true or false", "stream"],
  ['{"model":"a","stream":true,"stream":false}', "stands twice", "stream"],
  ['{"model":"a","stream_options":[]}', "must be an object", "stream_options"],
  ['{"model":"a","stream_options":{"include_usage":1}}', "true or false", "stream_options.include_usage"],
  [
    '{"model":"a","stream_options":{"include_usage":true,"include_usage":false}}',
    "stands twice",
    "stream_options.include_usage",
  ],
  ['{"model":"a","max_tokens":"5"}', "whole number", "max_tokens"],
  ['{"model":"a","max_tokens":-1}', "whole number", "max_tokens"],
  ['{"model":"a","max_completion_tokens":1.5}', "whole number", "max_completion_tokens"],
  ['{"model":"a","max_tokens":1e999}', "whole number", "max_tokens"],
  ['{"model":"a","n":1000}', "at most 128", "n"],
  ['{"model":"../../x"}', "letters, digits", "model"],
  ['{"model":"a b"}', "letters, digits", "model"],
  ['{"model":"ｇpt"}', "letters, digits", "model"],
  [`{"model":"${"m".repeat(10_000)}"}`, "at most 256", "model"],
  ['{"model":"a","best_of":129}', "at most 128", "best_of"],
  ['{"model":"a","max_tokens":5,"max_completion_tokens":6}', "differ", "max_tokens"],
  ['{"model":"a","max_tokens":5,"max_tokens":null}', "stands twice", "max_tokens"],
  ['{"model":"a","max_tokens":null,"max_tokens":5}', "stands twice", "max_tokens"],
  ['{"model":"a","user":5}', "must be a string", "user"],
  [`{"model":"a","user":"${"u".repeat(257)}"}`, "at most 256 bytes", "user"],
  [`{"model":"a","user":"${"u".repeat(1_000_000)}"}`, "at most 256 bytes", "user"],
  ['{"model":"a","user":"a\\u0007b"}', "printable", "user"],
  ['{"model":"a","user":"a\\u202eb"}', "printable", "user"],
  ['{"model":"a","user":"\\ud800"}', "printable", "user"],
  ['{"model":"a","metadata":[]}', "object of texts", "metadata"],
  ['{"model":"a","metadata":{"run":5}}', "must be a text", "metadata.run"],
  [`{"model":"a","metadata":{"run":"${"r".repeat(513)}"}}`, "at most 512", "metadata.run"],
  [`{"model":"a","metadata":{"run":"${"r".repeat(1_000_000)}"}}`, "object of texts", "metadata"],
  ['{"model":"a","metadata":{"run":"a\\nb"}}', "printable", "metadata.run"],
  [`{"model":"a","metadata":{"${"k".repeat(65)}":"v"}}`, "name", "metadata"],
  [
    `{"model":"a","metadata":${JSON.stringify(Object.fromEntries(Array.from({ length: 17 }, (_, at) => [at, ""])))}}`,
    "at most 16",
    "metadata",
  ],
  ['{"model":"a","service_tier":1}', "must be a string", "service_tier"],
] as const)("%.100s is refused, naming the field", ([text, words, param]) => {
  const problem = read(text);
  expect(problem.kind).toBe("problem");
  expect(problem).toMatchObject({ message: expect.stringContaining(words), ...(param === undefined ? {} : { param }) });
});

test.for([
  ['{"model":"a","metadata":[]}', "must be an object", "metadata"],
  ['{"model":"a","metadata":{"user_id":5}}', "must be a string", "metadata.user_id"],
  [`{"model":"a","metadata":{"user_id":"${"u".repeat(257)}"}}`, "at most 256 bytes", "metadata.user_id"],
] as const)("Anthropic: %s is refused, naming the field", ([text, words, param]) => {
  expect(read(text, messages)).toMatchObject({ kind: "problem", message: expect.stringContaining(words), param });
});

test("who calls and why is read as the protocol tells it, and names are brought to one form", () => {
  expect(read('{"model":"m","user":"Rene\\u0301","metadata":{"feature":"search","__proto__":"x"}}')).toMatchObject({
    user: "Ren\u00e9",
    metadata: JSON.parse('{"feature":"search","__proto__":"x"}'),
  });
  expect(read('{"model":"m","user":"","metadata":null}')).toMatchObject({ user: undefined, metadata: undefined });
  const asked = '{"model":"m","user":"no","metadata":{"user_id":"{\\"device\\":\\"1\\"}","feature":"no"}}';
  expect(read(asked, messages)).toMatchObject({ user: '{"device":"1"}', metadata: undefined });
});

test.for([
  [chat, '{"model":"m","max_completion_tokens":7}', "max_completion_tokens", 7],
  [chat, '{"model":"m","max_tokens":7}', "max_tokens", 7],
  [chat, '{"model":"m","max_tokens":7,"max_completion_tokens":7.0}', "max_completion_tokens", 7],
  [chat, '{"model":"m","max_tokens":7e3,"max_completion_tokens":null}', "max_tokens", 7000],
  [messages, '{"model":"m","max_tokens":7,"max_completion_tokens":9}', "max_tokens", 7],
  [completions, '{"model":"m","max_completion_tokens":9}', undefined, undefined],
  [embeddings, '{"model":"m","max_tokens":9}', undefined, undefined],
] as const)("the output cap of %o in %s is %s %s", ([operation, text, name, value]) => {
  const fields = read(text, operation);
  expect(fields).toMatchObject({ kind: "request" });
  expect((fields as { outputCap?: object }).outputCap).toEqual(
    name === undefined ? undefined : expect.objectContaining({ name, value }),
  );
});

test("choices are those of n, or of best_of when that asks for more", () => {
  expect(read('{"model":"m"}')).toMatchObject({ choices: 1 });
  expect(read('{"model":"m","n":0,"best_of":null}')).toMatchObject({ choices: 1 });
  expect(read('{"model":"m","n":2,"best_of":5}', completions)).toMatchObject({ choices: 5 });
});

test("edits change the model and the wish for usage, and every other byte stays", () => {
  const streamOptions = fc.option(
    fc.record({ include_usage: fc.option(fc.boolean()), include_obfuscation: fc.boolean() }, { requiredKeys: [] }),
  );
  const others = fc.dictionary(
    fc.string().map((name) => `x_${name}`),
    fc.jsonValue(),
  );
  const spaces = fc.constantFrom(undefined, 1, "\t");
  fc.assert(
    fc.property(others, others, streamOptions, fc.boolean(), spaces, (before, after, options, stream, indent) => {
      const body = Buffer.from(
        JSON.stringify(
          {
            ...before,
            model: "asked",
            stream,
            ...(options === undefined ? {} : { stream_options: options }),
            ...after,
          },
          null,
          indent,
        ),
      );
      const fields = readRequest(body, chat);
      if (fields.kind !== "request") throw new Error(fields.message);
      const edited = editRequest(body, fields, { model: "sent", askUsage: true });
      const expected = JSON.parse(body.toString());
      expected.model = "sent";
      if (stream) expected.stream_options = { ...options, include_usage: true };
      expect(JSON.parse(edited.toString())).toEqual(expected);
      expect(readRequest(edited, chat)).toMatchObject({ kind: "request", model: "sent" });
    }),
  );
});

test("a body that nothing is to change in is passed as the very same bytes", () => {
  const body = Buffer.from('{ "model" : "m" , "stream" : false }');
  const fields = readRequest(body, chat);
  if (fields.kind !== "request") throw new Error(fields.message);
  expect(editRequest(body, fields, { model: "m", askUsage: true })).toBe(body);
});

test("stream options that are null are replaced, not joined by a second member of their name", () => {
  const body = Buffer.from('{"stream_options":null,"model":"m","stream":true}');
  const fields = readRequest(body, chat);
  if (fields.kind !== "request") throw new Error(fields.message);
  const edited = editRequest(body, fields, { askUsage: true });
  expect(edited.toString()).toBe('{"stream_options":{"include_usage":true},"model":"m","stream":true}');
});

test("the output cap is set or lowered, never raised, and every other byte stays", () => {
  const cap = fc.option(fc.integer({ min: 0, max: 5000 }), { nil: null });
  const others = fc.dictionary(
    fc.string().map((name) => `x_${name}`),
    fc.jsonValue(),
  );
  const asked = fc.record({ max_tokens: cap, max_completion_tokens: cap }, { requiredKeys: [] });
  const operation = fc.constantFrom(chat, completions, messages, embeddings);
  const capName = fc.constantFrom(undefined, "max_tokens" as const, "max_completion_tokens" as const);
  fc.assert(
    fc.property(
      fc.tuple(others, others, asked, operation, capName, fc.integer({ min: 0, max: 5000 }), fc.boolean()),
      ([before, after, caps, operation, capName, outputCap, stream]) => {
        const body = Buffer.from(JSON.stringify({ ...before, stream, ...caps, model: "m", ...after }, null, 1));
        const fields = readRequest(body, operation);
        if (fields.kind === "problem") {
          expect(fields.message).toContain("differ");
          return;
        }
        const edited = editRequest(body, fields, { askUsage: true, outputCap, capName });
        const { max_tokens, max_completion_tokens, stream_options, ...rest } = JSON.parse(edited.toString());
        const { max_tokens: _, max_completion_tokens: __, stream_options: ___, ...asked } = JSON.parse(body.toString());
        expect(rest).toEqual(asked);
        if (operation === embeddings) {
          expect({ max_tokens, max_completion_tokens }).toEqual({ ...caps });
          return;
        }
        const sent = readRequest(edited, operation);
        const expected = Math.min(outputCap, fields.outputCap?.value ?? outputCap);
        expect(sent).toMatchObject({ outputCap: { value: expected } });
        if (operation === chat && capName !== undefined)
          expect({ max_tokens, max_completion_tokens }[capName]).toBe(expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test.for([
  ['{"model":"m","max_tokens":9}', { outputCap: 5 }, '{"model":"m","max_tokens":5}'],
  [
    '{"model":"m","max_tokens":9,"max_completion_tokens":9}',
    { outputCap: 5 },
    '{"model":"m","max_tokens":5,"max_completion_tokens":5}',
  ],
  ['{"max_completion_tokens" : null,"model":"m"}', { outputCap: 5 }, '{"max_completion_tokens" : 5,"model":"m"}'],
  ['{"model":"m"}', { outputCap: 5 }, '{"model":"m","max_completion_tokens":5}'],
  ['{"model":"m"}', { outputCap: 5, capName: "max_tokens" }, '{"model":"m","max_tokens":5}'],
  [
    '{"max_completion\\u005ftokens" : 4,"model":"m"}',
    { outputCap: 5, capName: "max_tokens" },
    '{"max_tokens" : 4,"model":"m"}',
  ],
] as const)("%s with %o is sent as %s", ([text, edits, expected]) => {
  const body = Buffer.from(text);
  const fields = readRequest(body, chat);
  if (fields.kind !== "request") throw new Error(fields.message);
  expect(editRequest(body, fields, { askUsage: true, ...edits }).toString()).toBe(expected);
});
