/** Sluice itself, as `sluice up`: both planes in one process on one core, with a virtual key, a Route and a usage record of every call. */

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { type Gateway, model } from "./gateway.ts";

export const sluice: Gateway = {
  name: "sluice",
  what: "sluice up; virtual key, Route, retries, usage record of every call",
  missing: () => undefined,
  prepare({ upstream, port, folder }) {
    const key = virtualKeyFrom(randomBytes(32));
    const resources = join(folder, "data/resources");
    mkdirSync(resources, { recursive: true });
    writeFileSync(join(resources, "bench.yaml"), manifest(upstream, virtualKeyHash(key)));
    return {
      command: [
        process.execPath,
        join(import.meta.dirname, "../../../packages/cli/src/main.ts"),
        "up",
        "--quiet",
        "--data-dir",
        join(folder, "data"),
        "--listen",
        `127.0.0.1:${port}`,
        "--admin-listen",
        `127.0.0.1:${port + 1}`,
      ],
      env: { NODE_ENV: "production" },
      target: {
        url: `http://127.0.0.1:${port}/v1/chat/completions`,
        model,
        headers: { authorization: `Bearer ${key}` },
      },
    };
  },
};

function manifest(upstream: string, hash: string): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata: { name: main }
spec: {}
---
apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: mock }
spec: { type: OpenAICompatible, baseUrl: "${upstream}/v1", credential: { type: None } }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: chat }
spec:
  models: ["${model}"]
  targets: [{ name: mock, providerRef: { name: mock } }]
---
apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: bench }
spec: { subject: { team: bench, service: load }, hash: "${hash}" }
`;
}
