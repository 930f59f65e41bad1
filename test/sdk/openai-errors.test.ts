/** What OpenAI's client for Node makes of refusals, failures and cuts: its own classes, its own retries, its own aborts. */

import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Rig, startRig, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.enter(waysIn[0]!));

const messages = [{ role: "user" as const, content: "Hello" }];
const create = (model: string, client = new OpenAI({ maxRetries: 0 })) =>
  client.chat.completions.create({ model, messages });
const failure = async (call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
  const error = await call.then(
    () => expect.unreachable("the call was to fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OpenAI.APIError);
  return error as InstanceType<typeof OpenAI.APIError>;
};

describe("the gateway's own refusals", () => {
  test("an unknown key is an authentication error, and is not tried again", async () => {
    rig.enter(waysIn[0]!, "sk-sluice-nobody-has-this-key");
    const error = await failure(create("gpt-4o", new OpenAI()));
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error.status).toBe(401);
    expect(error.requestID).toMatch(/\w{16}/);
  });

  test("a model that the key may not use is a permission error that names those it may", async () => {
    rig.enter(waysIn[0]!, rig.gateway.restrictedKey);
    expect((await create("gpt-4o-mini")).object).toBe("chat.completion");
    const error = await failure(create("gpt-4o"));
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error.message).toContain("gpt-4o-mini");
    const listed = (await new OpenAI().models.list()).data.map((model) => model.id);
    expect(listed).toContain("gpt-4o-mini");
    expect(listed).not.toContain("gpt-4o");
  });

  test("a model that is nowhere is a not-found error that names those there are", async () => {
    const error = await failure(create("nonesuch"));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error.message).toContain("gpt-4o");
    expect(await failure(new OpenAI().models.retrieve("nonesuch"))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("a call without a model is a bad request", async () => {
    const error = await failure(
      new OpenAI().chat.completions.create({ messages } as OpenAI.ChatCompletionCreateParamsNonStreaming),
    );
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error.type).toBe("invalid_request_error");
  });
});

describe("the vendor's errors", () => {
  test.for([
    [400, OpenAI.BadRequestError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [409, OpenAI.ConflictError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [503, OpenAI.InternalServerError],
  ] as const)("%s has its own class, whole and streamed", async ([status, type]) => {
    const model = `once-gpt-4o@status-${status}`;
    const whole = await failure(create(model));
    const streamed = await failure(
      new OpenAI({ maxRetries: 0 }).chat.completions.create({ model, messages, stream: true }),
    );
    for (const error of [whole, streamed]) {
      expect(error).toBeInstanceOf(type);
      expect(error.status).toBe(status);
      expect(error.error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
    }
  });

  test("a vendor that refuses the gateway's own key is no fault of the caller's", async () => {
    const error = await failure(create("once-gpt-4o@status-401", new OpenAI()));
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(rig.seen("once-gpt-4o@status-401")).toHaveLength(1);
  });

  test("a refused request keeps the vendor's words and parameter", async () => {
    const error = await failure(new OpenAI().chat.completions.create({ model: "gpt-4o", messages: [] }));
    expect(error).toMatchObject({ status: 400, param: "messages", code: "empty_array" });
  });
});

describe("retries", () => {
  test("the client tries again where the gateway was told not to", async () => {
    const answer = await create("once-gpt-4o@status-429@retry-after-ms-1@times-1", new OpenAI());
    expect(answer.object).toBe("chat.completion");
    expect(rig.seen("retry-after-ms-1@times-1")).toHaveLength(2);
  });

  test("the gateway tries again by itself, and the client sees one answer", async () => {
    expect((await create("gpt-4o@status-503@times-1")).object).toBe("chat.completion");
    expect(rig.seen("gpt-4o@status-503@times-1")).toHaveLength(2);
  });

  test("the wait that a vendor asks for reaches the client", async () => {
    const error = await failure(create("once-gpt-4o@status-429@retry-after-2@retry-after-ms-1500"));
    expect(error.headers?.get("retry-after")).toBe("2");
    expect(error.headers?.get("retry-after-ms")).toBe("1500");
  });

  test("a vendor's wish that nobody tries again reaches the client", async () => {
    await failure(create("once-gpt-4o@status-500@no-retry", new OpenAI()));
    expect(rig.seen("once-gpt-4o@status-500@no-retry")).toHaveLength(1);
  });
});

describe("the end of a call", () => {
  test("a client that aborts ends the vendor's call, before and within the answer", async () => {
    for (const model of ["gpt-4o@silent", "gpt-4o@stall-after-4"]) {
      const leaving = new AbortController();
      const call = (async () => {
        const stream = await new OpenAI().chat.completions.create(
          { model, messages, stream: true },
          { signal: leaving.signal },
        );
        for await (const _ of stream);
      })();
      call.catch(() => {}); // looked at below
      await vi.waitFor(() => expect(rig.seen(model)).toHaveLength(1));
      leaving.abort();
      await call.catch((error) => expect(error).toBeInstanceOf(OpenAI.APIUserAbortError));
      await vi.waitFor(() => expect(rig.seen(model)[0]?.abortedAtMs).toBeDefined());
    }
  });

  test("a loop that is left ends the vendor's call", async () => {
    const model = "gpt-4o@stall-after-5";
    for await (const _ of await new OpenAI().chat.completions.create({ model, messages, stream: true })) break;
    await vi.waitFor(() => expect(rig.seen(model)[0]?.abortedAtMs).toBeDefined());
  });

  test("the client's own deadline ends the vendor's call", async () => {
    const call = create("gpt-4o@silent@tokens-2", new OpenAI({ timeout: 200, maxRetries: 0 }));
    expect(await failure(call)).toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
    await vi.waitFor(() => expect(rig.seen("gpt-4o@silent@tokens-2")[0]?.abortedAtMs).toBeDefined());
  });

  test.for(["error-after-4", "reset-after-4", "hang-up-after-4", "close-after-4"])(
    "a stream that %s cuts is an error after the text that came, never a whole answer",
    async (knob) => {
      let text = "";
      const call = async () => {
        const stream = await new OpenAI({ maxRetries: 0 }).chat.completions.create({
          model: `gpt-4o@${knob}`,
          messages,
          stream: true,
        });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      };
      await failure(call());
      expect(text).toBe("This is gpt-4o,");
    },
  );
});
