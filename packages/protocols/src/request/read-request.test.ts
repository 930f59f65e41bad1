import fc from "fast-check";
import { expect, test } from "vitest";
import { editRequest } from "./edit-request.ts";
import { readRequest } from "./read-request.ts";

const read = (text: string) => readRequest(Buffer.from(text));

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
] as const)("%s is refused, naming the field", ([text, words, param]) => {
  const problem = read(text);
  expect(problem.kind).toBe("problem");
  expect(problem).toMatchObject({ message: expect.stringContaining(words), ...(param === undefined ? {} : { param }) });
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
      const fields = readRequest(body);
      if (fields.kind !== "request") throw new Error(fields.message);
      const edited = editRequest(body, fields, { model: "sent", askUsage: true });
      const expected = JSON.parse(body.toString());
      expected.model = "sent";
      if (stream) expected.stream_options = { ...options, include_usage: true };
      expect(JSON.parse(edited.toString())).toEqual(expected);
      expect(readRequest(edited)).toMatchObject({ kind: "request", model: "sent" });
    }),
  );
});

test("a body that nothing is to change in is passed as the very same bytes", () => {
  const body = Buffer.from('{ "model" : "m" , "stream" : false }');
  const fields = readRequest(body);
  if (fields.kind !== "request") throw new Error(fields.message);
  expect(editRequest(body, fields, { model: "m", askUsage: true })).toBe(body);
});

test("stream options that are null are replaced, not joined by a second member of their name", () => {
  const body = Buffer.from('{"stream_options":null,"model":"m","stream":true}');
  const fields = readRequest(body);
  if (fields.kind !== "request") throw new Error(fields.message);
  const edited = editRequest(body, fields, { askUsage: true });
  expect(edited.toString()).toBe('{"stream_options":{"include_usage":true},"model":"m","stream":true}');
});
