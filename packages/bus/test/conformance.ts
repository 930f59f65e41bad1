/**
 * What every implementation of the Bus must do, as a suite that each runs: `busConformance("memory", startServer)`.
 * Tests wait for what must come under a generous deadline, and for nothing else.
 */

import type { Bucket, BucketEvent, Bus, StreamMessage } from "@sluice/contract";
import { BucketConflict } from "@sluice/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

/** A server of its own, empty, whose rejected messages come again within a second or so. */
export type BusServer = AsyncDisposable & { connect(): Promise<Bus> };

const deadline = { timeout: 20_000, interval: 5 };

export function busConformance(name: string, startServer: () => Promise<BusServer>): void {
  describe(`the ${name} bus`, () => {
    let server: BusServer;
    let bus: Bus;
    let other: Bus;
    beforeEach(async () => {
      server = await startServer();
      bus = await server.connect();
      other = await server.connect();
    });
    afterEach(async () => {
      await bus[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    describe("a bucket", () => {
      test("answers the latest value to every client, and nothing for what is absent or deleted", async () => {
        const [mine, theirs] = [bus.bucket("keys"), other.bucket("keys")];
        expect(await theirs.get("a")).toBeUndefined();
        const first = await mine.put("a", bytes("1"));
        expect(await theirs.get("a")).toEqual({ key: "a", value: bytes("1"), revision: first });
        const second = await mine.put("a", bytes("2"));
        expect(await theirs.get("a")).toEqual({ key: "a", value: bytes("2"), revision: second });
        await theirs.delete("a");
        expect(await mine.get("a")).toBeUndefined();
      });

      test("has revisions that grow over all its keys", async () => {
        const bucket = bus.bucket("keys");
        const [a, b, again] = [await put(bucket, "a"), await put(bucket, "b"), await put(bucket, "a")];
        expect(a).toBeGreaterThan(0);
        expect(b).toBeGreaterThan(a);
        expect(again).toBeGreaterThan(b);
      });

      test("is apart from the others", async () => {
        await put(bus.bucket("keys"), "a");
        expect(await bus.bucket("ledger").keys()).toEqual([]);
      });

      test("lists the keys that have a value", async () => {
        const bucket = bus.bucket("keys");
        expect(await bucket.keys()).toEqual([]);
        for (const key of ["b", "a", "c"]) await put(bucket, key);
        await bucket.delete("c");
        expect((await bucket.keys()).sort()).toEqual(["a", "b"]);
      });

      test("deletes what is absent without an error", async () => {
        await expect(bus.bucket("keys").delete("none")).resolves.toBeUndefined();
      });

      test("writes conditionally on the revision that was read", async () => {
        const bucket = bus.bucket("keys");
        const first = await bucket.putIf("a", bytes("1"), 0);
        await expect(bucket.putIf("a", bytes("x"), 0)).rejects.toBeInstanceOf(BucketConflict);
        const second = await bucket.putIf("a", bytes("2"), first);
        expect(second).toBeGreaterThan(first);
        await expect(bucket.putIf("a", bytes("x"), first)).rejects.toBeInstanceOf(BucketConflict);
        await expect(bucket.putIf("b", bytes("x"), second)).rejects.toBeInstanceOf(BucketConflict);
        expect((await bucket.get("a"))?.value).toEqual(bytes("2"));
        await bucket.delete("a");
        await expect(bucket.putIf("a", bytes("x"), second)).rejects.toBeInstanceOf(BucketConflict);
        await bucket.putIf("a", bytes("3"), 0);
        expect((await bucket.get("a"))?.value).toEqual(bytes("3"));
      });

      test("lets one of many conditional writers win", async () => {
        const writes = Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? bus : other).bucket("keys").putIf("a", bytes(String(index)), 0),
        );
        const answers = await Promise.allSettled(writes);
        expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
      });

      test("keeps values apart from the buffers of writers and readers", async () => {
        const bucket = bus.bucket("keys");
        const value = bytes("abc");
        await bucket.put("a", value);
        value.fill(0);
        const read = await bucket.get("a");
        expect(read?.value).toEqual(bytes("abc"));
        read?.value.fill(0);
        const watched = await watching(bucket, (event) => event.kind === "put" && event.entry.value.fill(0));
        await watched.until((events) => events.some((event) => event.kind === "ready"));
        expect((await bucket.get("a"))?.value).toEqual(bytes("abc"));
      });

      test.each(["a", "A-z_9=./x", "a/b", "ab.cd", "/", "_", "x".repeat(256)])("takes the key %j", async (key) => {
        await put(bus.bucket("keys"), key);
        expect(await bus.bucket("keys").keys()).toEqual([key]);
      });

      test.each(["", ".a", "a.", "a b", "a*", "a>", "ä", "a\n", "a:b", "x".repeat(257)])(
        "refuses the key %j for every act",
        async (key) => {
          const bucket = bus.bucket("keys");
          await expect(bucket.put(key, bytes("1"))).rejects.toThrow(/bucket key/);
          await expect(bucket.putIf(key, bytes("1"), 0)).rejects.toThrow(/bucket key/);
          await expect(bucket.get(key)).rejects.toThrow(/bucket key/);
          await expect(bucket.delete(key)).rejects.toThrow(/bucket key/);
        },
      );

      test("takes a value of the largest size, and an empty one, and refuses a byte more", async () => {
        const bucket = bus.bucket("snapshots");
        const largest = new Uint8Array(bus.valueBytesMax).fill(7);
        await bucket.put("a", largest);
        expect((await bucket.get("a"))?.value.length).toBe(bus.valueBytesMax);
        await bucket.put("b", new Uint8Array());
        expect((await bucket.get("b"))?.value.length).toBe(0);
        await expect(bucket.put("c", new Uint8Array(bus.valueBytesMax + 1))).rejects.toThrow(String(bus.valueBytesMax));
        expect(await bucket.get("c")).toBeUndefined();
      });
    });

    describe("a watch", () => {
      test("tells every value that is there, then ready once, then changes", async () => {
        const bucket = bus.bucket("keys");
        for (const key of ["a", "b", "gone"]) await put(bucket, key);
        await bucket.delete("gone");
        const watched = await watching(other.bucket("keys"));
        await watched.until((events) => events.some((event) => event.kind === "ready"));
        const before = watched.events.map(keyOf);
        expect(before.slice(0, -1).sort()).toEqual(["a", "b"]);
        expect(before.at(-1)).toBe("ready");

        await put(bucket, "c");
        await bucket.delete("a");
        await watched.until((events) => events.length >= 5);
        expect(watched.events.slice(3).map(keyOf)).toEqual(["c", "-a"]);
        expect(watched.events.filter((event) => event.kind === "ready")).toHaveLength(1);
      });

      test("of an empty bucket is ready at once", async () => {
        const watched = await watching(bus.bucket("keys"));
        await watched.until((events) => events.length > 0);
        expect(watched.events).toEqual([{ kind: "ready", revision: expect.any(Number) }]);
      });

      test("tells revisions that only grow, and ends with the last value of each key", async () => {
        const bucket = bus.bucket("keys");
        const watched = await watching(other.bucket("keys"));
        await Promise.all(
          Array.from({ length: 200 }, (_, index) => bucket.put(`key-${index % 7}`, bytes(String(index)))),
        );
        await bucket.put("last", bytes(""));
        await watched.until((events) => events.some((event) => keyOf(event) === "last"));
        const puts = watched.events.filter((event) => event.kind === "put");
        const revisions = puts.map((event) => event.entry.revision);
        expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
        for (const key of await bucket.keys()) {
          const told = puts.findLast((event) => event.entry.key === key);
          expect(told?.entry).toEqual(await bucket.get(key));
        }
      });

      test("that began while values are written misses none", async () => {
        const bucket = bus.bucket("keys");
        const writes = Promise.all(Array.from({ length: 100 }, (_, index) => put(bucket, `key-${index}`)));
        const watched = await watching(other.bucket("keys"));
        await writes;
        await watched.until((events) => new Set(events.map(keyOf)).size === 101);
      });

      test("goes on after its handler has thrown", async () => {
        const bucket = bus.bucket("keys");
        await put(bucket, "a");
        const watched = await watching(bucket, () => {
          throw new Error("handler");
        });
        await put(bucket, "b");
        await watched.until((events) => events.some((event) => keyOf(event) === "b"));
        expect(watched.events.map(keyOf)).toContain("a");
      });

      test("lets its handler write to the bucket", async () => {
        const bucket = bus.bucket("keys");
        const watched = await watching(bucket, (event) => {
          if (keyOf(event) === "a") void put(bucket, "b");
        });
        await put(bucket, "a");
        await watched.until((events) => events.some((event) => keyOf(event) === "b"));
      });

      test("that was ended, or whose client was, hears no more, and others go on", async () => {
        const bucket = bus.bucket("keys");
        const [ended, closed, alive] = [
          await watching(bucket),
          await watching(other.bucket("keys")),
          await watching(bucket),
        ];
        for (const watched of [ended, closed, alive]) await watched.until((events) => events.length === 1);
        await ended.end();
        await other[Symbol.asyncDispose]();
        await put(bucket, "a");
        await alive.until((events) => events.length === 2);
        expect(ended.events).toHaveLength(1);
        expect(closed.events).toHaveLength(1);
      });
    });

    describe("a stream", () => {
      const publish = (id: string) => bus.stream("usage").publish({ id, value: bytes(`value of ${id}`) });

      test("delivers what was published, in order, also what came before the consumer", async () => {
        await publish("1");
        await publish("2");
        const consumed = await consuming(other, "ledger");
        await publish("3");
        await consumed.until((messages) => messages.length === 3);
        expect(consumed.messages).toEqual(
          ["1", "2", "3"].map((id) => ({ id, value: bytes(`value of ${id}`), delivery: 1 })),
        );
      });

      test("drops a second message of the same id", async () => {
        const consumed = await consuming(other, "ledger");
        await publish("1");
        await publish("1");
        await publish("2");
        await consumed.until((messages) => messages.length >= 2);
        await publish("1");
        await publish("3");
        await consumed.until((messages) => messages.some((message) => message.id === "3"));
        expect(consumed.messages.map((message) => message.id)).toEqual(["1", "2", "3"]);
      });

      test("delivers a rejected message again, with its count, and the others meanwhile", async () => {
        const consumed = await consuming(other, "ledger", async (message) => {
          if (message.id === "1" && message.delivery < 3) throw new Error("not now");
        });
        await publish("1");
        await publish("2");
        await consumed.until((messages) => messages.some(({ id, delivery }) => id === "1" && delivery === 3));
        const deliveries = consumed.messages.filter((message) => message.id === "1");
        expect(deliveries.map((message) => message.delivery)).toEqual([1, 2, 3]);
        await consumed.until((messages) => messages.some((message) => message.id === "2"));
        expect(consumed.messages.filter((message) => message.id === "2")).toHaveLength(1);
      });

      test("hands a consumer one message at a time", async () => {
        let running = 0;
        let most = 0;
        const consumed = await consuming(bus, "ledger", async () => {
          most = Math.max(most, ++running);
          await new Promise((wake) => setTimeout(wake, 2));
          running--;
        });
        for (let id = 0; id < 20; id++) await publish(String(id));
        await consumed.until((messages) => messages.length === 20);
        expect(most).toBe(1);
      });

      test("shares messages among the consumers of one name, each message once", async () => {
        const busy = () => new Promise<void>((wake) => setTimeout(wake, 2));
        const members = [await consuming(bus, "ledger", busy), await consuming(other, "ledger", busy)];
        const ids = Array.from({ length: 40 }, (_, index) => String(index));
        await Promise.all(ids.map(publish));
        const all = () => members.flatMap((member) => member.messages.map((message) => message.id));
        await vi.waitFor(() => expect(all().length).toBeGreaterThanOrEqual(40), deadline);
        expect(all().sort()).toEqual(ids.toSorted());
        for (const member of members) expect(member.messages.length).toBeGreaterThan(0);
      });

      test("gives each consumer name all messages", async () => {
        const [ledger, audit] = [await consuming(bus, "ledger"), await consuming(other, "audit")];
        await publish("1");
        await ledger.until((messages) => messages.length === 1);
        await audit.until((messages) => messages.length === 1);
      });

      test("goes on with the next consumer where an ended one stopped", async () => {
        const first = await consuming(bus, "ledger");
        await publish("1");
        await first.until((messages) => messages.length === 1);
        await first.end();
        await publish("2");
        const second = await consuming(other, "ledger");
        await second.until((messages) => messages.length === 1);
        expect(second.messages.map((message) => message.id)).toEqual(["2"]);
        expect(first.messages.map((message) => message.id)).toEqual(["1"]);
      });

      test("keeps its messages apart from the buffers of publishers and consumers", async () => {
        const value = bytes("abc");
        await bus.stream("usage").publish({ id: "1", value });
        value.fill(0);
        const seen: string[] = [];
        const spoil = async (message: StreamMessage) => {
          seen.push(Buffer.from(message.value).toString());
          message.value.fill(0);
          if (message.delivery === 1) throw new Error("again");
        };
        const consumed = await consuming(other, "ledger", spoil);
        await consumed.until((messages) => messages.length === 2);
        expect(seen).toEqual(["abc", "abc"]);
      });

      test("takes a message of the largest size and refuses a byte more", async () => {
        const consumed = await consuming(other, "ledger");
        const stream = bus.stream("usage");
        const tooLarge = stream.publish({ id: "1", value: new Uint8Array(bus.valueBytesMax + 1) });
        await expect(tooLarge).rejects.toThrow(String(bus.valueBytesMax));
        await stream.publish({ id: "2", value: new Uint8Array(bus.valueBytesMax) });
        await consumed.until((messages) => messages.length === 1);
        expect(consumed.messages[0]?.value.length).toBe(bus.valueBytesMax);
      });
    });

    describe("a closed client", () => {
      test("refuses every act, and the server serves the others", async () => {
        await bus[Symbol.asyncDispose]();
        await bus[Symbol.asyncDispose]();
        await expect(bus.bucket("keys").put("a", bytes("1"))).rejects.toThrow(/closed/);
        await expect(bus.bucket("keys").get("a")).rejects.toThrow(/closed/);
        await expect(bus.bucket("keys").watch(() => {})).rejects.toThrow(/closed/);
        await expect(bus.stream("usage").publish({ id: "1", value: bytes("1") })).rejects.toThrow(/closed/);
        await put(other.bucket("keys"), "a");
      });

      test("has waited for the handler that was running", async () => {
        let finished = false;
        const consumed = await consuming(bus, "ledger", async () => {
          await new Promise((wake) => setTimeout(wake, 30));
          finished = true;
        });
        await other.stream("usage").publish({ id: "1", value: bytes("1") });
        await consumed.until((messages) => messages.length === 1);
        await bus[Symbol.asyncDispose]();
        expect(finished).toBe(true);
      });
    });
  });
}

async function watching(bucket: Bucket, also: (event: BucketEvent) => unknown = () => {}) {
  const events: BucketEvent[] = [];
  const watch = await bucket.watch((event) => {
    events.push(event);
    also(event);
  });
  return {
    events,
    until: (enough: (events: BucketEvent[]) => boolean) =>
      vi.waitFor(() => expect(enough(events)).toBe(true), deadline),
    end: () => watch[Symbol.asyncDispose](),
  };
}

async function consuming(bus: Bus, name: string, also: (message: StreamMessage) => Promise<void> = async () => {}) {
  const messages: StreamMessage[] = [];
  const consumer = await bus.stream("usage").consume(name, async (message) => {
    messages.push({ ...message, value: message.value.slice() });
    await also(message);
  });
  return {
    messages,
    until: (enough: (messages: StreamMessage[]) => boolean) =>
      vi.waitFor(() => expect(enough(messages)).toBe(true), deadline),
    end: () => consumer[Symbol.asyncDispose](),
  };
}

/** An event in a word: the key that was put, `-key` for one deleted, or `ready`. */
function keyOf(event: BucketEvent): string {
  if (event.kind === "put") return event.entry.key;
  return event.kind === "delete" ? `-${event.key}` : "ready";
}

function put(bucket: Bucket, key: string): Promise<number> {
  return bucket.put(key, bytes(`value of ${key}`));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
