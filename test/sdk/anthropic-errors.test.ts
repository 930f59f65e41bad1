/** What Anthropic's client for Node makes of refusals, failures and cuts: its own classes, its own retries, its own aborts. */

import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Rig, startRig, waysIn } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.enter(waysIn[0]!));

const ask = { max_tokens: 100, messages: [{ role: "user" as const, content: "Hello" }] };
const create = (model: string, client = new Anthropic({ maxRetries: 0 })) => client.messages.create({ model, ...ask });
const failure = async (call: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> => {
  const error = await call.then(
    () => expect.unreachable("the call was to fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Anthropic.APIError);
  return error as InstanceType<typeof Anthropic.APIError>;
};

describe("the gateway's own refusals", () => {
  test("an unknown key is an authentication error, and is not tried again", async () => {
    rig.enter(waysIn[0]!, "sk-sluice-nobody-has-this-key");
    const error = await failure(create("claude-sonnet-5-5", new Anthropic()));
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(error.type).toBe("authentication_error");
    expect(error.requestID).toMatch(/\w{16}/);
  });

  test("a model that the key may not use is a permission error that names those it may", async () => {
    rig.enter(waysIn[0]!, rig.gateway.restrictedKey);
    expect((await create("claude-haiku-4-5")).type).toBe("message");
    const error = await failure(create("claude-sonnet-5-5"));
    expect(error).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(error.message).toContain("claude-haiku-4-5");
    expect((await new Anthropic().models.list()).data.map((model) => model.id)).not.toContain("claude-sonnet-5-5");
  });

  test("a model that is nowhere is a not-found error that names those there are", async () => {
    const error = await failure(create("nonesuch"));
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error.message).toContain("claude-haiku-4-5");
    expect(await failure(new Anthropic().models.retrieve("nonesuch"))).toBeInstanceOf(Anthropic.NotFoundError);
  });

  test("a call without a model is a bad request", async () => {
    const error = await failure(
      new Anthropic().messages.create(ask as unknown as Anthropic.MessageCreateParamsNonStreaming),
    );
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.type).toBe("invalid_request_error");
  });
});

describe("the vendor's errors", () => {
  test.for([
    [400, Anthropic.BadRequestError, "invalid_request_error"],
    [404, Anthropic.NotFoundError, "not_found_error"],
    [409, Anthropic.ConflictError, "conflict_error"],
    [429, Anthropic.RateLimitError, "rate_limit_error"],
    [500, Anthropic.InternalServerError, "api_error"],
    [529, Anthropic.InternalServerError, "overloaded_error"],
  ] as const)("%s has its own class and type, whole and streamed", async ([status, kind, type]) => {
    const model = `once-claude-sonnet-5-5@status-${status}`;
    const whole = await failure(create(model));
    const streamed = await failure(new Anthropic({ maxRetries: 0 }).messages.stream({ model, ...ask }).finalMessage());
    for (const error of [whole, streamed]) {
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ status, type });
    }
  });

  test("a refused request keeps the vendor's words", async () => {
    const error = await failure(
      new Anthropic().messages.create({ model: "claude-sonnet-5-5", max_tokens: 10, messages: [] }),
    );
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.message).toContain("messages: at least one message is required");
  });
});

describe("retries", () => {
  test("the client tries again where the gateway was told not to", async () => {
    const answer = await create("once-claude-sonnet-5-5@status-529@retry-after-ms-1@times-1", new Anthropic());
    expect(answer.type).toBe("message");
    expect(rig.seen("status-529@retry-after-ms-1@times-1")).toHaveLength(2);
  });

  test("the gateway tries again by itself, and the client sees one answer", async () => {
    expect((await create("claude-sonnet-5-5@status-529@times-1")).type).toBe("message");
    expect(rig.seen("claude-sonnet-5-5@status-529@times-1")).toHaveLength(2);
  });

  test("the wait that a vendor asks for reaches the client", async () => {
    const error = await failure(create("once-claude-sonnet-5-5@status-429@retry-after-2@retry-after-ms-1500"));
    expect(error.headers?.get("retry-after")).toBe("2");
    expect(error.headers?.get("retry-after-ms")).toBe("1500");
  });

  test("a vendor's wish that nobody tries again reaches the client", async () => {
    await failure(create("once-claude-sonnet-5-5@status-500@no-retry", new Anthropic()));
    expect(rig.seen("once-claude-sonnet-5-5@status-500@no-retry")).toHaveLength(1);
  });
});

describe("the end of a call", () => {
  test("a client that aborts ends the vendor's call, before and within the answer", async () => {
    for (const model of ["claude-sonnet-5-5@silent", "claude-sonnet-5-5@stall-after-5"]) {
      const stream = new Anthropic().messages.stream({ model, ...ask });
      const ended = stream.done();
      ended.catch(() => {}); // looked at below
      await vi.waitFor(() => expect(rig.seen(model)).toHaveLength(1));
      stream.abort();
      await expect(ended).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
      await vi.waitFor(() => expect(rig.seen(model)[0]?.abortedAtMs).toBeDefined());
    }
  });

  test("the client's own deadline ends the vendor's call", async () => {
    const call = create("claude-sonnet-5-5@silent@tokens-2", new Anthropic({ timeout: 200, maxRetries: 0 }));
    expect(await failure(call)).toBeInstanceOf(Anthropic.APIConnectionTimeoutError);
    await vi.waitFor(() => expect(rig.seen("claude-sonnet-5-5@silent@tokens-2")[0]?.abortedAtMs).toBeDefined());
  });

  test.for(["error-after-6", "reset-after-6", "hang-up-after-6", "close-after-6"])(
    "a stream that %s cuts is an error after the text that came, never a whole answer",
    async (knob) => {
      let text = "";
      const stream = new Anthropic({ maxRetries: 0 }).messages
        .stream({ model: `claude-sonnet-5-5@${knob}`, ...ask })
        .on("text", (delta) => {
          text += delta;
        });
      await failure(stream.finalMessage());
      expect(text).toBe("This is claude-sonnet-5-5,");
    },
  );
});
