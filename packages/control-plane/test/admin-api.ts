/** A control plane with its admin API, on a store in memory and a folder of resources; and a data plane's acknowledgements. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBus } from "@sluice/bus";
import { sealingKey } from "@sluice/contract";
import { type ControlPlane, createControlPlane, openPgliteStore } from "../src/index.ts";
import { testLog } from "./observed.ts";

export const token = "test-token-of-the-admin-api";

/** Of what came back a test reads what it expects; what is missing fails it. */
type Answered = { [member: string]: Answered } & {
  message: string;
  reason: string;
  items: Answered[];
  rows: Answered[];
  cells: unknown[];
  causes: unknown[];
};

export type AdminApi = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly plane: ControlPlane;
  readonly log: ReturnType<typeof testLog>;
  /** With the token, JSON in and out. */
  call(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<{ status: number; body: Answered }>;
  writeFile(name: string, text: string): void;
  /** A data plane that has whatever is published, as soon as it is, and says so. */
  addDataPlane(instance: string): Promise<void>;
};

export async function startAdminApi(
  options: { tls?: { keyPem: string; certificatePem: string } } = {},
): Promise<AdminApi> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-admin-"));
  const resources = join(folder, "resources");
  mkdirSync(resources);
  const log = testLog();
  const store = await openPgliteStore({}, { nowMs: Date.now, log });
  const hub = createMemoryBus();
  const bus = hub.connect();
  let nonces = 0;
  const plane = await createControlPlane({
    store,
    bus,
    log,
    clock: { wallMs: Date.now },
    random: { bytes: (count) => Buffer.alloc(count, `${nonces++}`) },
    sealingKey: sealingKey(new Uint8Array(32).fill(1)),
    loadError: () => undefined,
    resourcesFolder: resources,
    admin: { listen: { host: "127.0.0.1", port: 0, ...options }, token, version: "0.0.0-test" },
  });
  await plane.ready;
  const port = plane.adminAddress?.port ?? 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    plane,
    log,
    async call(method, path, { body, headers = {} } = {}) {
      const answer = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
    writeFile: (name, text) => writeFileSync(join(resources, name), text),
    async addDataPlane(instance) {
      const own = hub.connect();
      const state = { instance, name: instance, startedAtMs: 0, revision: 0, keysRevision: 0 };
      const acknowledge = () => own.bucket("instances").put(instance, Buffer.from(JSON.stringify(state)));
      await own.bucket("snapshots").watch((event) => {
        if (event.kind !== "put" || event.entry.key !== "current") return;
        state.revision = JSON.parse(Buffer.from(event.entry.value).toString()).revision;
        void acknowledge();
      });
    },
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
