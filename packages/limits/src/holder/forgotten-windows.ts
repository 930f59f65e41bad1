/**
 * Windows whose leases a holder knows no more. What was settled of them is not known either: a grant of such a window, taken as
 * new, would be spent twice. Each is kept by itself, as an edit may lead into a window that began before others that are over.
 */

/** Of one rule: more than a year of hours. Of what is older, nothing is believed. */
const windowsMax = 10_000;

type Forgotten = { readonly windows: Set<number>; before: number; latest: number };

export class ForgottenWindows {
  readonly #rules = new Map<string, Forgotten>();

  add(rule: string, window: number): void {
    const found: Forgotten = this.#rules.get(rule) ?? { windows: new Set(), before: 0, latest: 0 };
    this.#rules.set(rule, found);
    found.windows.add(window);
    found.latest = Math.max(found.latest, window);
    if (found.windows.size <= windowsMax) return;
    const [oldest = 0] = found.windows;
    found.windows.delete(oldest);
    found.before = Math.max(found.before, oldest);
  }

  has(rule: string, window: number): boolean {
    const found = this.#rules.get(rule);
    return found !== undefined && window !== 0 && (window <= found.before || found.windows.has(window));
  }

  latest(rule: string): number | undefined {
    return this.#rules.get(rule)?.latest;
  }

  *entries(): Generator<readonly [rule: string, window: number]> {
    for (const [rule, { windows }] of this.#rules) for (const window of windows) yield [rule, window];
  }
}
