/**
 * Limits by the key or service that they name: most name some, there may be thousands of them, and of those who ask. What a
 * look-up finds still has to be looked at.
 */

import type { LimitPlan } from "@sluice/contract";

export type LimitIndex = (met: {
  readonly key?: string | undefined;
  readonly service?: string | undefined;
}) => readonly LimitPlan[];

/** Finds every limit whose selector names no key and service, or the one that is met. */
export function limitIndex(limits: readonly LimitPlan[]): LimitIndex {
  const byName = new Map<string, LimitPlan[]>();
  const unnamed: LimitPlan[] = [];
  for (const limit of limits) {
    const { keys, services } = limit.selector;
    const names = keys?.map((key) => `key ${key}`) ?? services?.map((service) => `service ${service}`);
    if (names === undefined) unnamed.push(limit);
    for (const name of names ?? []) {
      const named = byName.get(name);
      if (named === undefined) byName.set(name, [limit]);
      else named.push(limit);
    }
  }
  return ({ key, service }) => [
    ...(byName.get(`key ${key}`) ?? []),
    ...(byName.get(`service ${service}`) ?? []),
    ...unnamed,
  ];
}
