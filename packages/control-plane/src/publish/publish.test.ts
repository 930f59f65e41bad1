/** The publishers on a memory bus, as the data planes see it. */

import { createMemoryBus } from "@sluice/bus";
import {
  type BucketEvent,
  type BucketName,
  type Bus,
  digestOf,
  type KeyEntry,
  type Snapshot,
  sealingKey,
  unseal,
} from "@sluice/contract";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Secret } from "../sources/secret.ts";
import type { SecretLookup } from "../sources/secrets.ts";
import type { Revocation } from "../store/store.ts";
import { BucketContents, readAll } from "./bucket-contents.ts";
import { CredentialPublisher } from "./credential-publisher.ts";
import { KeyPublisher, revokedKeptMs } from "./key-publisher.ts";
import { SnapshotPublisher } from "./snapshot-publisher.ts";

let bus: Bus;
let plane: Bus;
beforeEach(() => {
  const hub = createMemoryBus();
  bus = hub.connect();
  plane = hub.connect();
});

/** What a data plane is told from now on, in words. */
async function told(name: BucketName): Promise<string[]> {
  const words: string[] = [];
  await plane.bucket(name).watch((event: BucketEvent) => {
    if (event.kind === "put") words.push(`${event.entry.key} ${Buffer.from(event.entry.value)}`);
    if (event.kind === "delete") words.push(`-${event.key}`);
  });
  return words;
}
const settled = () => new Promise((wake) => setTimeout(wake, 5));

describe("a bucket's contents", () => {
  test("are brought to what is wanted by the differences alone", async () => {
    await bus.bucket("ledger").put("stale", Buffer.from("x"));
    await bus.bucket("ledger").put("same", Buffer.from("1"));
    const words = await told("ledger");
    await settled();
    words.length = 0;
    const wanted = new Map([
      ["same", "1"],
      ["new", "2"],
    ]);
    const contents = new BucketContents(bus.bucket("ledger"));
    const bring = () => contents.bringTo(wanted.keys(), (key) => wanted.get(key));
    await bring();
    await settled();
    expect(words).toEqual(["new 2", "-stale"]);

    await bring();
    wanted.set("new", "3");
    await bring();
    await settled();
    expect(words).toEqual(["new 2", "-stale", "new 3"]);
  });

  test("are put right at a recheck after another hand has changed them", async () => {
    const contents = new BucketContents(bus.bucket("ledger"));
    const bring = () => contents.bringTo(["a", "b"], () => "1");
    await bring();
    await bus.bucket("ledger").delete("a");
    await bus.bucket("ledger").put("b", Buffer.from("changed"));
    contents.recheck();
    await bring();
    expect(await readAll(bus.bucket("ledger"))).toEqual(
      new Map([
        ["a", "1"],
        ["b", "1"],
      ]),
    );
  });

  test("are written again after a write that failed", async () => {
    const bucket = bus.bucket("ledger");
    const failing = { ...bucket, put: vi.fn(bucket.put).mockRejectedValueOnce(new Error("away")) };
    const contents = new BucketContents(failing);
    await expect(contents.bringTo(["a"], () => "1")).rejects.toThrow("away");
    await contents.bringTo(["a"], () => "1");
    expect(await readAll(bucket)).toEqual(new Map([["a", "1"]]));
  });
});

describe("a snapshot", () => {
  const snapshot: Snapshot = {
    format: 1,
    minReader: 1,
    gateways: [],
    providers: [],
    prices: {},
    limits: [],
    stops: [],
  };
  const revision = (number: number) => ({ revision: number, digest: `sha256:${number}`, snapshot, recordedAtMs: 0 });

  test("comes body first, pointer last, and only once", async () => {
    const words = await told("snapshots");
    const publisher = new SnapshotPublisher(bus.bucket("snapshots"));
    await publisher.publish(revision(7));
    await publisher.publish(revision(7));
    await settled();
    const body = '{"format":1,"gateways":[],"limits":[],"minReader":1,"prices":{},"providers":[],"stops":[]}';
    expect(words).toEqual([`revision.7 ${body}`, 'current {"digest":"sha256:7","key":"revision.7","revision":7}']);
    expect(digestOf(body)).toMatch(/^sha256:/);
  });

  test("leaves the last few bodies for data planes that still fetch them", async () => {
    const publisher = new SnapshotPublisher(bus.bucket("snapshots"));
    for (let number = 1; number <= 9; number++) await publisher.publish(revision(number));
    expect((await plane.bucket("snapshots").keys()).sort()).toEqual([
      ...["current", "revision.5", "revision.6", "revision.7", "revision.8", "revision.9"],
    ]);
  });
});

describe("keys", () => {
  const entry = (id: string): KeyEntry => ({ id, namespace: "ai", state: "Active", metadata: {} });
  const revocation = (hash: string, revokedAtMs = 1_000): Revocation => ({
    ...{ hash, key: `ai/${hash}`, revokedAtMs, by: "ana", reason: "leaked" },
  });
  const stateOf = async (hash: string) => {
    const found = await plane.bucket("keys").get(hash);
    return found === undefined ? undefined : JSON.parse(Buffer.from(found.value).toString()).state;
  };

  test("of which one changed are published as that one", async () => {
    const publisher = new KeyPublisher(bus.bucket("keys"));
    const entries = new Map([
      ["a", entry("ai/a")],
      ["b", entry("ai/b")],
    ]);
    await publisher.publish({ entries, revocations: [], nowMs: 0 });
    const words = await told("keys");
    await settled();
    words.length = 0;
    entries.set("b", { ...entry("ai/b"), state: "Suspended" });
    entries.delete("a");
    await publisher.publish({ entries, revocations: [], nowMs: 0 });
    await settled();
    expect(words).toEqual(['b {"id":"ai/b","metadata":{},"namespace":"ai","state":"Suspended"}', "-a"]);
  });

  test("that are revoked say so at once, and whatever a reconcile from before still writes", async () => {
    const publisher = new KeyPublisher(bus.bucket("keys"));
    const before = { entries: new Map([["a", entry("ai/a")]]), revocations: [], nowMs: 2_000 };
    await publisher.publish(before);
    const revision = await publisher.revoke(revocation("a"));
    expect(revision).toBe((await plane.bucket("keys").get("a"))?.revision);
    expect(await stateOf("a")).toBe("Revoked");
    publisher.recheck();
    await publisher.publish(before);
    expect(await stateOf("a")).toBe("Revoked");
  });

  test("that were revoked and deleted are remembered for a month", async () => {
    const publish = (nowMs: number) =>
      new KeyPublisher(bus.bucket("keys")).publish({ entries: new Map(), revocations: [revocation("a")], nowMs });
    await publish(revokedKeptMs);
    expect(await stateOf("a")).toBe("Revoked");
    await publish(revokedKeptMs + 1_001);
    expect(await stateOf("a")).toBeUndefined();
  });
});

describe("credentials", () => {
  const key = sealingKey(new Uint8Array(32).fill(7));
  const id = "ai/openai/api-key";
  let secrets: Map<string, SecretLookup>;
  let nonces: number;
  const publisher = () =>
    new CredentialPublisher({
      bucket: bus.bucket("credentials"),
      secrets: async (name) => secrets.get(name) ?? { kind: "missing", message: `no ${name}` },
      sealingKey: key,
      random: (bytes) => new Uint8Array(bytes).fill(nonces++),
    });
  const found = (value: string): SecretLookup => ({ kind: "found", value: new Secret(value) });
  const opened = async () => {
    const entry = await plane.bucket("credentials").get(id);
    if (entry === undefined) return undefined;
    const sealed = Buffer.from(JSON.parse(Buffer.from(entry.value).toString()).sealed, "base64");
    expect(sealed.toString("latin1")).not.toContain("sk-");
    return Buffer.from(unseal({ keys: [key], context: id, sealed })).toString();
  };
  beforeEach(() => {
    secrets = new Map([[id, found("sk-1")]]);
    nonces = 0;
  });

  test("travel sealed, and again only when their value changed", async () => {
    const words = await told("credentials");
    const one = publisher();
    for (let time = 0; time < 3; time++) expect((await one.publish([id])).problems).toEqual(new Map());
    one.recheck();
    await one.publish([id]);
    await settled();
    expect(await opened()).toBe("sk-1");
    expect(words).toHaveLength(1);

    secrets.set(id, found("sk-2"));
    await one.publish([id]);
    await settled();
    expect(await opened()).toBe("sk-2");
    expect(words).toHaveLength(2);
  });

  test("never share a nonce", async () => {
    const one = publisher();
    await one.publish([id]);
    const first = await plane.bucket("credentials").get(id);
    secrets.set(id, found("sk-2"));
    await one.publish([id]);
    const second = await plane.bucket("credentials").get(id);
    const nonce = (entry: typeof first) =>
      Buffer.from(JSON.parse(String(Buffer.from(entry?.value ?? []))).sealed, "base64").subarray(5, 17);
    expect(nonce(first)).not.toEqual(nonce(second));
  });

  test("go when nothing names them any more, or their secret is gone", async () => {
    const one = publisher();
    await one.publish([id]);
    await one.publish([]);
    expect(await opened()).toBeUndefined();
    await one.publish([id]);
    expect(await opened()).toBe("sk-1");
    secrets.clear();
    expect(await one.publish([id])).toEqual({
      available: new Set(),
      problems: new Map([[id, { kind: "missing", message: `no ${id}` }]]),
    });
    expect(await opened()).toBeUndefined();
  });

  test("stay when their secret can't be used just now, and that is told", async () => {
    const one = publisher();
    await one.publish([id]);
    secrets.set(id, { kind: "refused", message: "mode 0644" });
    expect(await one.publish([id])).toEqual({
      available: new Set([id]),
      problems: new Map([[id, { kind: "refused", message: "mode 0644" }]]),
    });
    expect(await opened()).toBe("sk-1");
  });
});
