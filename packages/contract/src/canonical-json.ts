/** Canonical JSON: one text for equal values, whatever the order their keys were set in. Digests are taken over it. */

/** Keys sorted by code unit, members that are `undefined` left out. Throws on values that JSON can't hold (bigint, cycles). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member === null || typeof member !== "object" || Array.isArray(member)) return member;
    const sorted: Record<string, unknown> = Object.create(null);
    for (const key of Object.keys(member).sort()) sorted[key] = (member as Record<string, unknown>)[key];
    return sorted;
  });
}
