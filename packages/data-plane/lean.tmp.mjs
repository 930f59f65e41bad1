// Reference 3: the leanest Node proxy: node:http in, undici dispatch out, bytes untouched, back-pressure both ways. No policy at all.
import { createServer } from "node:http";
import { Pool } from "undici";

const upstream = new Pool(`http://${process.env.UPSTREAM}`, { connections: 512, pipelining: 1 });

createServer((incoming, outgoing) => {
  const parts = [];
  incoming.on("data", (part) => parts.push(part));
  incoming.on("end", () => {
    const body = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    upstream.dispatch(
      {
        method: "POST",
        path: incoming.url,
        headers: { "content-type": "application/json", authorization: "Bearer upstream-key" },
        body,
      },
      {
        onRequestStart() {},
        onResponseStart(controller, status, headers) {
          outgoing.writeHead(status, {
            "content-type": headers["content-type"],
            ...(headers["content-length"] && { "content-length": headers["content-length"] }),
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
