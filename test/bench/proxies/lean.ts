/** The leanest Node proxy: node:http in, undici's dispatch out, bytes untouched, back-pressure both ways. No policy at all. */

import { createServer } from "node:http";
import { Pool } from "undici";

const upstream = new Pool(process.env.UPSTREAM as string, { connections: 512, pipelining: 1 });

createServer((incoming, outgoing) => {
  const parts: Buffer[] = [];
  incoming.on("data", (part: Buffer) => parts.push(part));
  incoming.on("end", () => {
    const [first] = parts;
    const body = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    const headers = { "content-type": "application/json", authorization: "Bearer upstream-key" };
    upstream.dispatch(
      { method: "POST", path: incoming.url as string, headers, body },
      {
        onRequestStart() {},
        onResponseStart(controller, status, told) {
          const length = told["content-length"];
          outgoing.writeHead(status, {
            "content-type": String(told["content-type"]),
            ...(typeof length === "string" ? { "content-length": length } : {}),
          });
          outgoing.on("drain", () => controller.resume());
        },
        onResponseData(controller, chunk) {
          if (!outgoing.write(chunk)) controller.pause();
        },
        onResponseEnd() {
          outgoing.end();
        },
        onResponseError() {
          if (outgoing.headersSent) outgoing.destroy();
          else outgoing.writeHead(502).end();
        },
      },
    );
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
