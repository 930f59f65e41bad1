import { accountId, type Family } from "@sluice/contract";
import { expect, test } from "vitest";
import { describeEachStore } from "../../test/each-store.ts";
import { recordAll } from "../../test/usage-events.ts";
import { checkAgreement } from "./agreement.ts";

describeEachStore("an account and the ledger", (under) => {
  const hourMs = 3_600_000;
  const family = (value: string): Family => ({ limit: "agreeing", rule: "usd", values: [value] });
  const at = (value: string, window: number) => accountId(family(value), window);
  const account = (id: string, settled: bigint, endsAtMs: number | null) => ({
    ...{ id, version: 0, endsAtMs, closed: settled, carried: 99n, expiring: [], expired: 0n },
    ...{ leases: new Map(), recalledAtMs: 0 },
  });

  test("agree, or every difference is told with both figures", async () => {
    const { memory, epoch } = await under.store.readLeases({ windows: [], sessions: [], accounts: [] });
    const open = account(at("open", 2 * hourMs), 1n, 3 * hourMs);
    const lease = { granted: 9n, returned: 0n, settled: 1n, reserved: 0n, state: "Open" as const };
    const used = { ...lease, granted: 20n, returned: 10n, settled: 10n };
    const accounts = [
      { ...account(at("agrees", 2 * hourMs), 60n, 3 * hourMs), leases: new Map([["pod", used]]) },
      account(at("unrecorded", 2 * hourMs), 5n, 3 * hourMs),
      account(at("unsettled", 2 * hourMs), 0n, 3 * hourMs),
      { ...open, leases: new Map([["pod", lease]]) },
      account(at("earlier", hourMs), 5n, 2 * hourMs),
      account(at("still open", 3 * hourMs), 5n, 4 * hourMs),
      account(at("for ever", 0), 5n, null),
    ];
    await under.store.writeLeases(
      { sessions: [], windows: [], accounts },
      { memory, epochVersion: epoch?.version ?? 0 },
    );
    await recordAll(under.store, "agreeing", [
      // The first byte came before the window, the charge is in it.
      { startedAtMs: 2 * hourMs - 1_000, charges: [[at("agrees", 2 * hourMs), 30]] },
      {
        startedAtMs: 2 * hourMs + 5,
        charges: [
          [at("agrees", 2 * hourMs), 40],
          [at("unsettled", 2 * hourMs), 3],
        ],
      },
      { startedAtMs: 2 * hourMs + 6, charges: [] },
    ]);
    const {
      checked,
      open: notClosed,
      differing,
    } = await checkAgreement(under, {
      sinceMs: 2 * hourMs,
      untilMs: 3 * hourMs,
    });
    expect([checked, notClosed]).toEqual([3, 1]);
    expect(differing.toSorted((one, two) => (one.account < two.account ? -1 : 1))).toEqual([
      { account: at("unrecorded", 2 * hourMs), settled: 5n, charged: 0n },
      { account: at("unsettled", 2 * hourMs), settled: 0n, charged: 3n },
    ]);
    expect(under.log.lines.map(({ level, message }) => [level, message])).toEqual([
      ["error", "an account and the ledger do not agree"],
      ["error", "an account and the ledger do not agree"],
    ]);
  });
});
