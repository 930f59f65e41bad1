/**
 * The data plane's only listener: node:http, so that an answer's bytes go straight to the socket. Limits of HTTP itself are set
 * here, and what the HTTP parser refuses is answered here, in OpenAI's shape, since such a request has no protocol yet.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { dialects } from "@sluice/protocols";

/** Agents send long beta lists and trace state; a megabyte of headers is an attack. */
const headerBytesMax = 32 * 1024;
const headersTimeoutMs = 10_000;
/** Above the 60 s at which load balancers usually close. */
const keepAliveMs = 75_000;
/** A refused body that is still coming is read and thrown away this long, so that its sender sees the answer. */
const lingerMs = 2_000;

export type Listener = { readonly server: Server; readonly host: string; readonly port: number };

/** Rejects when the address can't be bound; the error has Node's `code`. */
export function listen(
  address: { host: string; port: number },
  onRequest: (incoming: IncomingMessage, outgoing: ServerResponse) => void,
): Promise<Listener> {
  const server = createServer({
    maxHeaderSize: headerBytesMax,
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    noDelay: true,
  });
  server.on("request", onRequest);
  // `Expect: 100-continue` is left to Node: it answers 100, and the body is judged as any other.
  server.on("clientError", answerParserError);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, () => {
      server.off("error", reject);
      const bound = server.address() as AddressInfo;
      resolve({ server, host: address.host, port: bound.port });
    });
  });
}

/** After a refusal: a body that nobody reads any more must not hold its connection. */
export function linger(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  incoming.resume();
  const timer = setTimeout(() => incoming.socket.destroy(), lingerMs);
  timer.unref();
  incoming.once("close", () => clearTimeout(timer));
}

function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const { status, reason, message } = describeParserError(error.code);
  const body = dialects.openai.buildError({ status, code: "http_invalid", message, requestId: "" });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-sluice-error-source: gateway\r\nconnection: close\r\n\r\n${body}`,
  );
}

function describeParserError(code: string | undefined) {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        // 431 is more exact, but SDKs make a class of their own of 400 alone.
        status: 400,
        reason: "Bad Request",
        message: `The request's headers are larger than ${headerBytesMax} bytes.`,
      };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        status: 408,
        reason: "Request Timeout",
        message: `The request's headers did not arrive within ${headersTimeoutMs} ms.`,
      };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, reason: "Payload Too Large", message: "The body's chunk extensions are too long." };
    default:
      return {
        status: 400,
        reason: "Bad Request",
        message: `The request is not valid HTTP/1.1 (${code ?? "unreadable"}).`,
      };
  }
}
