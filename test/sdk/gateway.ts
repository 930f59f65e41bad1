/** The gateway under test: `sluice up` as a process, in a folder that holds this file's resources. The only place that starts one. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type UsageEvent, virtualKeyFrom, virtualKeyHash } from "@sluice/contract";

export type RunningGateway = AsyncDisposable & {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly key: string;
  /** May use `gpt-4o-mini` and `claude-haiku-4-5`, nothing else. */
  readonly restrictedKey: string;
  /** The record of one call, once it is there. */
  usage(requestId: string): Promise<UsageEvent>;
};

const main = join(import.meta.dirname, "../../packages/cli/src/main.ts");
const stopMsMax = 10_000;
const recordMsMax = 20_000;

/** Always the same ones: only this folder's gateway knows them. */
const key = virtualKeyFrom(Buffer.alloc(32, 1));
const restrictedKey = virtualKeyFrom(Buffer.alloc(32, 2));

export async function startGateway(upstream: {
  openaiUrl: string;
  anthropicUrl: string;
  credential: string;
}): Promise<RunningGateway> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-sdk-"));
  await mkdir(join(folder, "resources"), { mode: 0o700 });
  await mkdir(join(folder, "secrets/default/vendors"), { mode: 0o700, recursive: true });
  // Under the names of the sample's files, which are then left as they are.
  await writeFile(join(folder, "resources/gateway.yaml"), gateway);
  await writeFile(join(folder, "resources/routes.yaml"), routes(upstream));
  await writeFile(join(folder, "resources/key.yaml"), keys);
  await writeFile(join(folder, "secrets/default/vendors/api-key"), upstream.credential, { mode: 0o600 });

  const words = [
    "up",
    "--output",
    "json",
    "--data-dir",
    folder,
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
  ];
  const child = spawn(process.execPath, [main, ...words], {
    // Nothing of this machine: a vendor's key found in the environment would be used.
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    once(createInterface(child.stdout), "line"),
    ended.then(([code]) => Promise.reject(new Error(`sluice up ended with code ${code} before it served`))),
  ]);
  const { url, admin } = JSON.parse(String(line[0])) as { url: string; admin: string };
  const token = (await readFile(join(folder, "admin.token"), "utf8")).trim();
  return {
    url,
    key,
    restrictedKey,
    usage: (requestId) => usageOf(requestId, { admin, token }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
      await ended;
      clearTimeout(late);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Records are written in batches, so this one may take a moment. */
async function usageOf(requestId: string, { admin, token }: { admin: string; token: string }): Promise<UsageEvent> {
  for (const until = performance.now() + recordMsMax; performance.now() < until; ) {
    const answer = await fetch(`${admin}/admin/v1/usage?requestId=${encodeURIComponent(requestId)}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) throw new Error(`The admin API answered ${answer.status}: ${await answer.text()}`);
    const [record] = ((await answer.json()) as { items: UsageEvent[] }).items;
    if (record !== undefined) return record;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`No record of ${requestId} within ${recordMsMax} ms`);
}

const gateway = `
apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata: { name: main }
spec: {}
`;

/** The names that are listed, and those that carry the simulator's knobs. `once-…` is never tried again by the gateway. */
const routes = (upstream: { openaiUrl: string; anthropicUrl: string }) => `
apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: tested-openai }
spec:
  type: OpenAI
  baseUrl: ${upstream.openaiUrl}
  credential: { type: APIKey, apiKey: { secretRef: { name: vendors, key: api-key } } }
---
apiVersion: sluice.dev/v1alpha1
kind: Provider
metadata: { name: tested-anthropic }
spec:
  type: Anthropic
  baseUrl: ${upstream.anthropicUrl}
  credential: { type: APIKey, apiKey: { secretRef: { name: vendors, key: api-key } } }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: openai }
spec:
  models: [gpt-4o, gpt-4o-mini, o4-mini, gpt-3.5-turbo-instruct, text-embedding-3-small, "gpt-*"]
  targets: [{ name: vendor, providerRef: { name: tested-openai } }]
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: anthropic }
spec:
  models: [claude-sonnet-5-5, claude-haiku-4-5, "claude-*"]
  targets: [{ name: vendor, providerRef: { name: tested-anthropic } }]
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: openai-once }
spec:
  models: ["once-gpt-*"]
  targets: [{ name: vendor, providerRef: { name: tested-openai } }]
  retry: { attempts: 0 }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: anthropic-once }
spec:
  models: ["once-claude-*"]
  targets: [{ name: vendor, providerRef: { name: tested-anthropic } }]
  retry: { attempts: 0 }
`;

const keys = `
apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: tests }
spec:
  subject: { team: tests }
  hash: ${virtualKeyHash(key)}
---
apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: restricted }
spec:
  subject: { team: tests }
  hash: ${virtualKeyHash(restrictedKey)}
  allow: { models: [gpt-4o-mini, claude-haiku-4-5] }
`;
