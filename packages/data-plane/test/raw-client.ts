/** A caller down to the bytes: for requests that no HTTP library would send. */

import { connect } from "node:net";

export type RawAnswer = {
  readonly status: number;
  readonly headers: string;
  readonly body: string /** The gateway ended the connection. */;
  readonly closed: boolean;
};

/** Sends the bytes and reads until a whole answer is there, or the connection ends; gives up after ten seconds. */
export function sendRaw(port: number, bytes: string | Buffer, options: { host?: string } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, options.host ?? "127.0.0.1");
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error("no answer in ten seconds"));
    }, 10_000);
    let text = "";
    const end = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      const head = text.indexOf("\r\n\r\n");
      resolve({ status, headers: text.slice(0, head), body: text.slice(head + 4), closed });
    };
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      text = text.replace(/^(HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n)+/, "");
      const head = text.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? Number.NaN);
      const closing = /connection: close/i.test(text.slice(0, head));
      if (text.length - head - 4 >= length && !closing) end(false);
    });
    socket.on("error", () => end(true));
    socket.on("close", () => end(true));
    socket.write(bytes);
  });
}

export function rawPost(input: { path?: string; key: string; body?: string; headers?: string[] }): string {
  const body = input.body ?? "{}";
  const lines = [
    `POST ${input.path ?? "/v1/chat/completions"} HTTP/1.1`,
    "host: gateway",
    `authorization: Bearer ${input.key}`,
    ...(input.headers ?? [`content-length: ${Buffer.byteLength(body)}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
