/**
 * A provider down to the bytes: for answers that no HTTP library would send. It reads whole requests, and hands each to the
 * test's own answer; everything that a test must see of the gateway's side (bytes, headers, the moment of an abort) is kept.
 */

import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";

export type RawRequest = {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly socket: Socket;
  /** Resolves when the gateway has ended or reset the connection. */
  readonly closed: Promise<void>;
};

export type RawUpstream = AsyncDisposable & { readonly url: string; readonly requests: RawRequest[] };

export async function createRawUpstream(answer: (request: RawRequest, count: number) => void): Promise<RawUpstream> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const closed = new Promise<void>((resolve) => {
      socket.on("close", () => {
        sockets.delete(socket);
        resolve();
      });
      socket.on("end", () => resolve());
    });
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    socket.on("data", (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      for (let taken = takeRequest(held); taken !== undefined; taken = takeRequest(held)) {
        held = held.subarray(taken.bytes);
        const request = { ...taken.request, socket, closed };
        requests.push(request);
        answer(request, requests.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A whole answer with its length. */
export function answerWith(
  request: RawRequest,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  const lines = Object.entries({ "content-length": String(Buffer.byteLength(body)), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  request.socket.write(`HTTP/1.1 ${status} Because\r\n${lines.join("")}\r\n`);
  request.socket.write(body);
}

/** The head of a stream of events; chunks follow by `sendChunk`, and `endChunks` ends it. */
export function startEvents(request: RawRequest): void {
  request.socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
}

export function sendChunk(request: RawRequest, text: string | Buffer): boolean {
  const bytes = Buffer.from(text as string);
  return request.socket.write(
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]),
  );
}

export function endChunks(request: RawRequest): void {
  request.socket.write("0\r\n\r\n");
}

function takeRequest(held: Buffer) {
  const head = held.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const [first = "", ...lines] = held.toString("latin1", 0, head).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const bytes = head + 4 + Number(headers["content-length"] ?? 0);
  if (held.length < bytes) return undefined;
  const [method = "", path = ""] = first.split(" ");
  return { bytes, request: { method, path, headers, body: Buffer.from(held.subarray(head + 4, bytes)) } };
}
