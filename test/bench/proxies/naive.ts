/** The smallest honest Node proxy: hono, undici, and each body parsed and serialized once. No policy at all; streams pass unparsed. */

import { Readable } from "node:stream";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Pool } from "undici";

const upstream = new Pool(process.env.UPSTREAM as string, { connections: 512, pipelining: 1 });
const app = new Hono();

app.post("/v1/chat/completions", async (context) => {
  const chat = await context.req.json();
  const answer = await upstream.request({
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", authorization: "Bearer upstream-key" },
    body: JSON.stringify(chat),
  });
  if (chat.stream === true) {
    return new Response(Readable.toWeb(answer.body) as ReadableStream, {
      headers: { "content-type": "text/event-stream" },
    });
  }
  return Response.json(await answer.body.json(), { status: answer.statusCode });
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT) });
