/** A Budget's accounts as the record has them, by the values of its `per`. */

import { readAccountId } from "@sluice/contract";
import { type AccountState, committedOf, spentOf } from "@sluice/limits";
import type { Installation } from "./installation.ts";

export type Account = {
  readonly rule: string;
  readonly values: string;
  /** Start of the window, Unix milliseconds. */
  readonly window: number;
  readonly spent: bigint;
  /** Spent, and what data planes hold. */
  readonly committed: bigint;
  readonly state: AccountState;
};

export async function accountsOf(
  { store, read }: Pick<Installation, "store" | "read">,
  name: string,
  kind = "Budget",
): Promise<Account[]> {
  const { uid } = (await read(kind, name)).metadata;
  return (await store.listAccounts({ limits: [uid] })).map((state) => {
    const named = readAccountId(state.id);
    if (named === undefined) throw new Error(`${state.id} is no account`);
    const { family, window } = named;
    return {
      rule: family.rule,
      values: family.values.join(","),
      window,
      spent: spentOf(state),
      committed: committedOf(state),
      state,
    };
  });
}
