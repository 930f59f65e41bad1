/**
 * Portkey's published package. Its own choice of @hono/node-server answers 500 to every stream (seen with 1.19.x); 1.13.5, which
 * it was written against, works and is what is measured.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Gateway, model } from "./gateway.ts";

const version = "1.15.2";
const folder = join(import.meta.dirname, "../../../node_modules/.cache/sluice-bench-portkey", version);
const server = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");

export const portkey: Gateway = {
  name: "portkey",
  what: `@portkey-ai/gateway ${version}; nothing on`,
  missing() {
    if (existsSync(server)) return undefined;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({
        private: true,
        dependencies: { "@portkey-ai/gateway": version },
        overrides: { "@hono/node-server": "1.13.5" },
      }),
    );
    try {
      const path = `${dirname(process.execPath)}:${process.env.PATH}`;
      execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], {
        cwd: folder,
        stdio: "ignore",
        timeout: 300_000,
        env: { ...process.env, PATH: path },
      });
    } catch {
      return `npm could not install @portkey-ai/gateway ${version}`;
    }
    return existsSync(server) ? undefined : "the package has no start-server.js";
  },
  prepare: ({ upstream, port }) => ({
    command: [
      process.execPath,
      "--import",
      join(import.meta.dirname, "../proxies/listen-on-loopback.ts"),
      server,
      `--port=${port}`,
      "--headless",
    ],
    env: { NODE_ENV: "production" },
    target: {
      url: `http://127.0.0.1:${port}/v1/chat/completions`,
      model,
      headers: {
        authorization: "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `${upstream}/v1`,
      },
    },
  }),
};
