/** Accounts, leases and sessions in the record, on both databases. */

import { accountId, type Family } from "@sluice/contract";
import type { AccountState, LeaseState, RecordChanges, SessionState, WindowState } from "@sluice/limits";
import pg from "pg";
import { beforeEach, expect, test } from "vitest";
import { describeEachStore } from "../../test/each-store.ts";
import type { StoredLeases } from "./lease-store.ts";

const lease = (change: Partial<LeaseState> = {}): LeaseState => ({
  ...{ granted: 10n, returned: 1n, settled: 2n, reserved: 3n, state: "Open" },
  ...change,
});
const nothing: RecordChanges = { sessions: [], windows: [], accounts: [] };

describeEachStore("leases", (under) => {
  let limit = "";
  let tests = 0;
  beforeEach(() => {
    limit = `limit-${++tests}`;
  });

  const family = (...values: string[]): Family => ({ limit, rule: "usd", values });
  const account = (id: string, change: Partial<AccountState> = {}): AccountState => ({
    ...{ id, version: 0, endsAtMs: 2_000, closed: 0n, carried: 0n, expiring: [], expired: 0n },
    ...{ leases: new Map(), recalledAtMs: 0 },
    ...change,
  });
  const session = (name: string, change: Partial<SessionState> = {}): SessionState => ({
    ...{ session: `${limit}-${name}`, version: 0, state: "Open", secretHash: "hash", instanceName: "pod-ü" },
    ...{ incarnation: 2, sequence: 3, digest: "digest", heardAtMs: 1_000, epoch: "epoch-1" },
    ...change,
  });
  const window = (change: Partial<WindowState> = {}): WindowState => ({
    ...{ rule: `${limit}/usd`, version: 0, startsAtMs: 0, endsAtMs: Number.MAX_SAFE_INTEGER, accounts: 7 },
    ...change,
  });

  const read = (rows: Partial<Parameters<typeof under.store.readLeases>[0]> = {}): Promise<StoredLeases> =>
    under.store.readLeases({ windows: [], sessions: [], accounts: [], ...rows });
  async function write(changes: Partial<RecordChanges>): Promise<boolean> {
    const { memory, epoch } = await read();
    return under.store.writeLeases({ ...nothing, ...changes }, { memory, epochVersion: epoch?.version ?? 0 });
  }
  const accountNow = async (id: string) => (await read({ accounts: [id] })).accounts.get(id);

  test("the memory that answers has a name, and what is not there is missing", async () => {
    const found = await read({ windows: ["none"], sessions: ["none"], accounts: ["0@none/none"] });
    expect(found.memory).toMatch(/^\d+\.[0-9A-F]{8}$/);
    expect([found.windows.size, found.sessions.size, found.accounts.size]).toEqual([0, 0, 0]);
    expect((await read()).memory).toBe(found.memory);
  });

  test("rows come back as they were written, one version later", async () => {
    const far = 9_007_199_254_740_993n;
    const rich = account(accountId(family("ü/%", "(none)"), 1_000), {
      ...{ endsAtMs: null, closed: far, carried: -far, expired: 5n, recalledAtMs: 77 },
      expiring: [
        { untilMs: 1, amount: far },
        { untilMs: 2, amount: 3n },
      ],
      leases: new Map([
        ["one", lease({ settled: far })],
        ["two", lease({ state: "WrittenOff" })],
      ]),
    });
    const [holder, turn] = [session("a", { state: "Fenced" }), window()];
    expect(await write({ accounts: [rich], sessions: [holder], windows: [turn] })).toBe(true);
    const found = await read({ accounts: [rich.id], sessions: [holder.session], windows: [turn.rule] });
    expect(found.accounts.get(rich.id)).toEqual({ ...rich, version: 1 });
    expect(found.sessions.get(holder.session)).toEqual({ ...holder, version: 1 });
    expect(found.windows.get(turn.rule)).toEqual({ ...turn, version: 1 });
  });

  test("a lease that an account has no more is gone, and the others stay", async () => {
    const id = accountId(family(), 0);
    const leases = new Map([
      ["one", lease()],
      ["two", lease()],
    ]);
    await write({ accounts: [account(id, { leases })] });
    const changed = new Map([["two", lease({ granted: 99n })]]);
    expect(await write({ accounts: [account(id, { version: 1, leases: changed, closed: 2n })] })).toBe(true);
    expect(await accountNow(id)).toEqual(account(id, { version: 2, leases: changed, closed: 2n }));
  });

  test.each(["accounts", "sessions", "windows"] as const)(
    "when one of the %s is another one by now, nothing at all is written",
    async (stale) => {
      const [known, other] = [accountId(family("known"), 0), accountId(family("other"), 0)];
      await write({ accounts: [account(known), account(other)], sessions: [session("a")], windows: [window()] });
      const at = (table: string, version: number) => (table === stale ? version + 5 : version);
      const changes = {
        accounts: [
          account(known, { version: 1, closed: 1n, leases: new Map([["one", lease()]]) }),
          account(other, { version: at("accounts", 1) }),
          account(accountId(family("new"), 0)),
        ],
        sessions: [session("a", { version: at("sessions", 1), state: "Dead" }), session("b")],
        windows: [window({ version: at("windows", 1), accounts: 9 })],
      };
      expect(await write(changes)).toBe(false);
      expect(await accountNow(known)).toEqual(account(known, { version: 1 }));
      expect(await accountNow(accountId(family("new"), 0))).toBeUndefined();
      const names = [session("a").session, session("b").session];
      const found = await read({ sessions: names, windows: [window().rule] });
      expect([...found.sessions.values()]).toEqual([session("a", { version: 1 })]);
      expect(found.windows.get(window().rule)).toEqual(window({ version: 1 }));
    },
  );

  test.each(["accounts", "sessions", "windows"] as const)(
    "when one of the %s is there although it was taken for new, nothing at all is written",
    async (table) => {
      const id = accountId(family("known"), 0);
      const all = { accounts: [account(id)], sessions: [session("a")], windows: [window()] };
      await write({ ...{ accounts: [], sessions: [], windows: [] }, [table]: all[table] });
      expect(await write(all)).toBe(false);
      const found = await read({ accounts: [id], sessions: [session("a").session], windows: [window().rule] });
      expect([found.accounts.size, found.sessions.size, found.windows.size]).toEqual(
        (["accounts", "sessions", "windows"] as const).map((each) => (each === table ? 1 : 0)),
      );
    },
  );

  test("nothing is written when the memory or its epoch is another one by now", async () => {
    const { memory, epoch } = await read();
    const version = epoch?.version ?? 0;
    const next = { version, epoch: `${memory}/${limit}`, sinceMs: 5, doubled: false };
    expect(await write({ epoch: next })).toBe(true);
    expect((await read()).epoch).toEqual({ ...next, version: version + 1 });

    const changes = { ...nothing, accounts: [account(accountId(family(), 0))] };
    expect(await under.store.writeLeases(changes, { memory, epochVersion: version })).toBe(false);
    expect(await under.store.writeLeases(changes, { memory: "1.00000009", epochVersion: version + 1 })).toBe(false);
    expect(await under.store.writeLeases(changes, { memory, epochVersion: version + 1 })).toBe(true);
  });

  test("of many who add to one account at once each adds once", async () => {
    const id = accountId(family(), 0);
    await write({ accounts: [account(id)] });
    const adds = Array.from({ length: 12 }, async () => {
      for (;;) {
        const now = await accountNow(id);
        if (now !== undefined && (await write({ accounts: [{ ...now, closed: now.closed + 1n }] }))) return;
      }
    });
    await Promise.all(adds);
    expect(await accountNow(id)).toMatchObject({ closed: 12n, version: 13 });
  });

  test("accounts are listed by limit and by the end of their window", async () => {
    const ids = [accountId(family("a"), 0), accountId(family("b"), 0), accountId(family("c"), 0)];
    const ends = [1_000, 5_000, null];
    await write({ accounts: ids.map((id, place) => account(id, { endsAtMs: ends[place] ?? null })) });
    const listed = async (filter: Parameters<typeof under.store.listAccounts>[0]) =>
      (await under.store.listAccounts(filter)).map(({ id }) => id);
    expect(await listed({ limits: [limit] })).toEqual(ids);
    expect(await listed({ limits: [limit], endsAfterMs: 1_000 })).toEqual(ids.slice(1));
    expect(await listed({ limits: [] })).toEqual([]);
    expect(await listed({})).toEqual(expect.arrayContaining(ids));
  });

  test("silent are those who were not heard for their life, or hold what comes back earlier", async () => {
    const id = accountId(family(), 0);
    const held = (...names: string[]) =>
      new Map(names.map((name) => [session(name).session, lease({ granted: 9n, settled: 2n })]));
    const sessions = [
      session("old", { heardAtMs: 1_000 }),
      session("holds-share", { heardAtMs: 9_000 }),
      session("fresh", { heardAtMs: 9_900 }),
      session("used-up", { heardAtMs: 9_000 }),
      session("closed", { heardAtMs: 1_000, state: "Closed" }),
      session("closed-later", { heardAtMs: 9_700, state: "Closed" }),
      session("closed-and-used-up", { heardAtMs: 1_000, state: "Closed" }),
      session("counted", { heardAtMs: 9_100 }),
      session("fenced", { heardAtMs: 9_999, state: "Fenced" }),
      session("written-off", { heardAtMs: 1_000, state: "Dead" }),
    ];
    const leases = held("holds-share", "fresh", "fenced", "closed", "closed-later");
    leases.set(`${session("counted").session}/unheard`, lease({ granted: 5n, returned: 0n, settled: 0n }));
    leases.set(session("closed-and-used-up").session, lease({ granted: 9n, returned: 7n, settled: 2n }));
    leases.set(session("used-up").session, lease({ granted: 9n, returned: 7n, settled: 2n }));
    leases.set(session("written-off").session, lease({ returned: 8n, state: "WrittenOff" }));
    await write({ sessions, accounts: [account(id, { leases })] });
    const silent = async (hearingSinceMs: number, rules: readonly string[]) => {
      const query = { nowMs: 10_000, hearingSinceMs, lifeMs: 5_000, closedMs: 500, limit: 1_000 };
      const found = await under.store.silentSessions({
        ...query,
        rules: rules.map((rule) => ({ rule, silentMs: 500 })),
      });
      return found.flatMap((one) => (one.session.startsWith(`${limit}-`) ? one.session.slice(limit.length + 1) : []));
    };
    expect(await silent(0, [`${limit}/usd`])).toEqual(["closed", "old", "holds-share", "counted", "fenced"]);
    expect(await silent(0, [])).toEqual(["closed", "old", "fenced"]);
    expect(await silent(9_800, [`${limit}/usd`])).toEqual(["fenced"]);
    const found = await under.store.accountsOfSessions([session("fresh").session, session("old").session]);
    expect(found.map((one) => one.id)).toEqual([id]);
    expect(await under.store.accountsOfSessions([session("counted").session])).toHaveLength(1);
  });

  test("unheard are open sessions of another epoch", async () => {
    const epoch = `epoch-of-${limit}`;
    const sessions = [session("a"), session("b", { epoch }), session("c", { state: "Dead" })];
    await write({ sessions });
    const found = await under.store.unheardSessions(epoch, 1_000);
    expect(found.map((one) => one.session).filter((name) => name.startsWith(`${limit}-`))).toEqual([`${limit}-a`]);
  });

  test("old accounts are forgotten, but for those that an open session may still tell of", async () => {
    const ids = ["a", "b", "c", "d"].map((value) => accountId(family(value), 0));
    const [idle, held, later, usedUp] = ids as [string, string, string, string];
    const leases = (name: string) => new Map([[session(name).session, lease()]]);
    await write({
      sessions: [session("open"), session("dead", { state: "Dead" })],
      accounts: [
        account(idle, { endsAtMs: 10, leases: leases("dead") }),
        account(held, { endsAtMs: 10, leases: leases("open") }),
        account(later, { endsAtMs: 11 }),
        account(usedUp, { endsAtMs: 10, leases: new Map([[session("open").session, lease({ settled: 9n })]]) }),
      ],
    });
    await under.store.forgetAccounts(11);
    expect((await under.store.listAccounts({ limits: [limit] })).map(({ id }) => id)).toEqual([held, later]);
  });

  test("a book is written over only by who has read it", async () => {
    const book = { uid: limit, version: 0, body: "first" };
    const other = { uid: `${limit}-other`, version: 3, body: "never there" };
    expect(await under.store.writeLimitBooks([book, other])).toEqual([limit]);
    expect(await under.store.writeLimitBooks([{ ...book, body: "again" }])).toEqual([]);
    expect(await under.store.writeLimitBooks([{ ...book, version: 1, body: "second" }])).toEqual([limit]);
    expect(await under.store.writeLimitBooks([{ ...book, version: 1, body: "late" }])).toEqual([]);
    const books = await under.store.listLimitBooks();
    expect(books.filter(({ uid }) => uid.startsWith(limit))).toEqual([{ uid: limit, version: 2, body: "second" }]);
  });

  test("a database that may lose commits says why", async () => {
    // Both run without fsync here: the one by its nature, the other by the test's settings.
    expect(await under.store.durability()).toMatchObject({
      kind: "Reduced",
      reasons: expect.arrayContaining([expect.stringContaining("fsync is off")]),
    });
  });

  test("a row that somebody holds is a conflict, not a wait (PostgreSQL alone)", async ({ skip }) => {
    if (under.url === undefined) return skip();
    const id = accountId(family(), 0);
    await write({ accounts: [account(id)] });
    const somebody = new pg.Client({ connectionString: under.url });
    await somebody.connect();
    try {
      await somebody.query("begin");
      await somebody.query("select 1 from limit_accounts where id = $1 for update", [id]);
      expect(await write({ accounts: [account(id, { version: 1, closed: 1n })] })).toBe(false);
      await somebody.query("rollback");
      expect(await write({ accounts: [account(id, { version: 1, closed: 1n })] })).toBe(true);
    } finally {
      await somebody.end();
    }
  });
});
