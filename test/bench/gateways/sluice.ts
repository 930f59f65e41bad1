/** Sluice itself, as `sluice up`: both planes in one process on one core, with a virtual key, a Route and a usage record of every call. */

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { type Gateway, model } from "./gateway.ts";

export const sluice = variant({
  name: "sluice",
  what: "sluice up; virtual key, Route, retries, usage record of every call",
  resources: ungoverned,
});

export const sluiceGoverned = variant({
  name: "sluice-governed",
  what: "the same with prices, a weighted Route, a Budget and two rate limits",
  resources: governed,
});

/** A file has a bound in bytes. */
const strangersPerFile = 500;

/** Budgets of other teams: what they cost a call that they are not for. */
export const sluiceCrowded = variant({
  name: "sluice-crowded",
  what: "sluice-governed with 10,000 Budgets more, none of which matches",
  resources: governed,
  strangers: 10_000,
});

function variant(of: {
  name: string;
  what: string;
  resources: (upstream: string) => string;
  strangers?: number;
}): Gateway {
  return {
    name: of.name,
    what: of.what,
    missing: () => undefined,
    prepare({ upstream, port, folder }) {
      const key = virtualKeyFrom(randomBytes(32));
      const resources = join(folder, "data/resources");
      mkdirSync(resources, { recursive: true });
      writeFileSync(join(resources, "bench.yaml"), `${of.resources(upstream)}---\n${keyManifest(virtualKeyHash(key))}`);
      for (let from = 0; from < (of.strangers ?? 0); from += strangersPerFile) {
        const budgets = Array.from({ length: strangersPerFile }, (_, at) => strangerBudget(from + at));
        writeFileSync(join(resources, `strangers-${from}.yaml`), budgets.join("---\n"));
      }
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
}

function ungoverned(upstream: string): string {
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
`;
}

function governed(upstream: string): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata: { name: main }
spec: {}
---
apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: mock }
spec:
  type: OpenAICompatible
  baseUrl: "${upstream}/v1"
  credential: { type: None }
  models:
    - { name: "*", price: { inputPerMillion: "2.50", outputPerMillion: "10.00" }, contextWindow: 128000, maxOutputTokens: 4096 }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: chat }
spec:
  models: ["${model}"]
  targets:
    - { name: one, providerRef: { name: mock }, weight: 90 }
    - { name: two, providerRef: { name: mock }, weight: 10 }
---
apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: monthly }
spec:
  per: [Service]
  limit: { usd: "1000000.00" }
  window: { calendar: Month }
---
apiVersion: sluice.dev/v1alpha1
kind: RateLimit
metadata: { name: rates }
spec:
  per: [Key]
  limits:
    - { name: requests, requests: 10000000, window: 1m }
    - { name: tokens, tokens: 10000000000, window: 1m }
`;
}

function strangerBudget(at: number): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata: { name: stranger-${at} }
spec: { selector: { teams: [team-${at}] }, limit: { usd: "10.00" }, window: { calendar: Day } }
`;
}

function keyManifest(hash: string): string {
  return `apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: bench }
spec: { subject: { team: bench, service: load }, hash: "${hash}" }
`;
}
