/** The two Node proxies without any policy. */

import { join } from "node:path";
import { type Gateway, model } from "./gateway.ts";

export const naive = nodeProxy("naive", "hono + undici, each body parsed and serialized again; nothing on");
export const lean = nodeProxy("lean", "node:http + undici dispatch, bytes untouched; nothing on");

function nodeProxy(name: "naive" | "lean", what: string): Gateway {
  return {
    name,
    what,
    missing: () => undefined,
    prepare: ({ upstream, port }) => ({
      command: [process.execPath, join(import.meta.dirname, "../proxies", `${name}.ts`)],
      env: { PORT: String(port), UPSTREAM: upstream, NODE_ENV: "production" },
      target: {
        url: `http://127.0.0.1:${port}/v1/chat/completions`,
        model,
        headers: { authorization: "Bearer sk-bench" },
      },
    }),
  };
}
