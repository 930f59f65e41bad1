/** Lists, each with a bound: of named things (told apart by `name`, merged one by one on the server), and of distinct values. */

import { z } from "zod";
import { withKubernetesMeta } from "./rule.ts";

/** Items have a `name`, which is unique in the list. */
export function namedList<Item extends z.ZodType<{ name: string }>>(item: Item, bounds: { min?: number; max: number }) {
  const list = bounded(item, bounds).superRefine((items, context) => {
    for (const index of repeats(items.map((entry) => entry.name))) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: "is the name of an earlier item of this list; names must differ",
        params: { duplicate: true },
      });
    }
  });
  return withKubernetesMeta(list, { listMapKey: "name" });
}

/** Items told apart by a number. */
export function numberedList<Key extends string, Item extends z.ZodType<Record<Key, number>>>(
  item: Item,
  { key, ...bounds }: { key: Key; min?: number; max: number },
) {
  const list = bounded(item, bounds).superRefine((items, context) => {
    for (const index of repeats(items.map((entry) => String(entry[key])))) {
      context.addIssue({
        code: "custom",
        path: [index, key],
        message: `is the ${key} of an earlier item of this list; they must differ`,
        params: { duplicate: true },
      });
    }
  });
  return withKubernetesMeta(list, { listMapKey: key });
}

/** Distinct strings. */
export function distinctList<Item extends z.ZodType<string>>(item: Item, bounds: { min?: number; max: number }) {
  const list = bounded(item, bounds).superRefine((items, context) => {
    for (const index of repeats(items)) {
      context.addIssue({
        code: "custom",
        path: [index],
        message: "stands in this list already",
        params: { duplicate: true },
      });
    }
  });
  return withKubernetesMeta(list, { listSet: true });
}

function bounded<Item extends z.ZodType>(item: Item, { min, max }: { min?: number; max: number }) {
  const list = z.array(item).max(max);
  return min === undefined ? list : list.min(min);
}

/** Places of values that came before. Also runs on a list that is too long, so it is one pass. */
function repeats(values: readonly string[]): number[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => (seen.size === seen.add(value).size ? [index] : []));
}
