/**
 * The simulator: one listener on which OpenAI lives under `/openai/v1/` and Anthropic under `/anthropic/v1/`. It reads the
 * request, finds its knobs, asks the vendor for a reply and has it delivered.
 */

import { hash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PromptCache } from "./answer/prompt-cache.ts";
import { anthropic } from "./anthropic/vendor.ts";
import { Bill, type BillEntry, type BillLine } from "./bill.ts";
import { deliver } from "./deliver.ts";
import { CallKnobs } from "./knobs/call-knobs.ts";
import { type Knobs, KnobUnknown } from "./knobs/knobs.ts";
import { openai } from "./openai/vendor.ts";
import { planDelivery } from "./plan-delivery.ts";
import { type RecordedRequest, RecordedRequests } from "./recorded-requests.ts";
import type { Call, Reply } from "./reply.ts";
import type { Shop, Vendor } from "./vendor.ts";

export type SimulatorOptions = {
  /** The key that callers must show. Without it anything goes, no key too. */
  readonly expectedKey?: string;
  /** The models there are; others get the vendor's "no such model". Without it any name is served. */
  readonly models?: readonly string[];
  /** Knobs of a call, over those of its model name and of `x-simulate`. */
  readonly behaviour?: (request: RecordedRequest) => Knobs | undefined;
  /** How many requests are kept for tests to look at (1000). 0 where memory must stay flat. */
  readonly recordedMax?: number;
  /** How many calls the bill can hold (100,000; none where no requests are kept). */
  readonly billMax?: number;
  readonly nowMs?: () => number;
};

export type SimulatorAddress = {
  readonly url: string;
  readonly port: number;
  /** A Provider's `baseUrl`. */
  readonly openaiUrl: string;
  readonly anthropicUrl: string;
};

export type Simulator = AsyncDisposable & {
  /** Port 0, a free one, unless told otherwise; host 127.0.0.1. */
  listen(address?: { host?: string; port?: number }): Promise<SimulatorAddress>;
  /** Oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** What the vendors charge, call by call, oldest first; also `GET /bill`. Calls that cost nothing are not on it. */
  bill(): BillEntry[];
};

/** A vendor refuses larger bodies as well. */
const bodyBytesMax = 64 * 1024 * 1024;

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const nowMs = options.nowMs ?? Date.now;
  const recordedMax = options.recordedMax ?? 1000;
  const recorded = new RecordedRequests(recordedMax);
  const billMax = options.billMax ?? (recordedMax === 0 ? 0 : 100_000);
  const bill = new Bill(billMax);
  const shop: Shop = { expectedKey: options.expectedKey, models: options.models, promptCache: new PromptCache() };
  const callKnobs = new CallKnobs(options.behaviour);
  let calls = 0;

  async function serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    const found = vendorOf(target);
    const body = await readBytes(request);
    if (target === "/bill" && request.method === "GET") {
      answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(bill.entries()));
      return;
    }
    const record: RecordedRequest = {
      vendor: found?.name,
      method: request.method ?? "GET",
      path: target,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: body ?? Buffer.alloc(0),
      receivedAtMs: nowMs(),
    };
    if (recordedMax > 0) recorded.add(record);
    answer.once("close", () => {
      if (answer.writableFinished) record.finishedAtMs = nowMs();
      else record.abortedAtMs = nowMs();
    });
    if (found === undefined) {
      answer
        .writeHead(404, { "content-type": "text/plain" })
        .end("Simulated vendors: /openai/v1/… and /anthropic/v1/…\n");
      return;
    }

    const call: Call = {
      method: record.method,
      path: found.path,
      query: found.query,
      headers: record.headers,
      body: record.body,
      digest: hash("sha256", record.body),
      number: ++calls,
      nowMs: record.receivedAtMs,
    };
    const { reply, knobs } =
      body === undefined ? { reply: found.vendor.error(call, 413), knobs: {} } : replyTo(call, found.vendor, record);
    const acceptsGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const headers = { ...reply.headers, ...found.vendor.headers(call), ...retryHeaders(knobs) };
    const line = knobs.garbage || billMax === 0 ? undefined : openLine(call, found, reply);
    answer.once("close", () => line?.end(answer.writableFinished));
    const hidden = reply.spent?.hiddenTokens ?? 0;
    const delivery = planDelivery({ ...reply, headers }, knobs, { digest: call.digest, acceptsGzip });
    await deliver(delivery, answer, (tokens) => line?.generated(hidden + tokens));
  }

  function openLine(call: Call, found: Found, reply: Reply): BillLine | undefined {
    if (reply.spent === undefined) return undefined;
    const { model, outputTokens, hiddenTokens } = reply.spent;
    const told = found.vendor.headers(call);
    const requestId = told["x-request-id"] ?? told["request-id"] ?? "";
    return bill.open(
      { number: call.number, requestId, vendor: found.name, model, path: call.path, startedAtMs: call.nowMs },
      reply.spent,
      reply.kind === "json" ? outputTokens : hiddenTokens,
    );
  }

  function replyTo(call: Call, vendor: Vendor, record: RecordedRequest): { reply: Reply; knobs: Knobs } {
    const refused = vendor.refuseKey(call, shop);
    if (refused !== undefined) return { reply: refused, knobs: {} };
    const read = call.method === "POST" ? vendor.readBody(call) : { kind: "body" as const, body: {} };
    if (read.kind === "refused") return { reply: read.reply, knobs: {} };
    try {
      const { body, knobs } = callKnobs.read(read.body, call, record);
      const reply =
        knobs.status === undefined || knobs.garbage
          ? vendor.answer(call, body, knobs, shop)
          : vendor.error(call, knobs.status);
      return { reply, knobs };
    } catch (error) {
      if (error instanceof KnobUnknown) return { reply: vendor.error(call, 400, error.message), knobs: {} };
      throw error;
    }
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, answer) => {
    serve(request, answer).catch((error: unknown) => {
      // The caller left while it was still sending; anything else is a fault of the simulator and must be seen.
      if (!request.destroyed || request.complete)
        answer.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  return {
    requests: recorded.all,
    bill: () => bill.entries(),
    listen: (address = {}) => listen(server, { host: address.host ?? "127.0.0.1", port: address.port ?? 0 }),
    [Symbol.asyncDispose]: () => close(server),
  };
}

const vendors = { openai, anthropic };

type Found = {
  readonly name: keyof typeof vendors;
  readonly vendor: Vendor;
  readonly path: string;
  readonly query: string;
};

function vendorOf(target: string): Found | undefined {
  const match = /^\/(openai|anthropic)\/v1(\/[^?]*)(?:\?(.*))?$/.exec(target);
  if (match === null) return undefined;
  const name = match[1] as keyof typeof vendors;
  return { name, vendor: vendors[name], path: match[2] ?? "", query: match[3] ?? "" };
}

function retryHeaders(knobs: Knobs): Record<string, string> {
  return {
    ...(knobs["retry-after"] === undefined ? {} : { "retry-after": String(knobs["retry-after"]) }),
    ...(knobs["retry-after-ms"] === undefined ? {} : { "retry-after-ms": String(knobs["retry-after-ms"]) }),
    ...(knobs["should-retry"] ? { "x-should-retry": "true" } : {}),
    ...(knobs["no-retry"] ? { "x-should-retry": "false" } : {}),
  };
}

/** The body, or undefined when it is too long (the rest is read and dropped). */
async function readBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= bodyBytesMax) pieces.push(piece);
  }
  return bytes > bodyBytesMax ? undefined : Buffer.concat(pieces);
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<SimulatorAddress> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const { port: taken } = server.address() as AddressInfo;
      const url = `http://${host.includes(":") ? `[${host}]` : host}:${taken}`;
      resolve({ url, port: taken, openaiUrl: `${url}/openai/v1`, anthropicUrl: `${url}/anthropic/v1` });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
