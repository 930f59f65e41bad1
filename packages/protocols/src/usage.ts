/**
 * Usage: tokens of one answer by kind, disjoint: all inputs add up to everything the model read, all outputs to everything it
 * generated. Vendors include parts in their totals, each in its own way; `read-usage.ts` of a wire format takes them apart.
 */
export type Usage = {
  readonly input: number;
  readonly inputAudio: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheWriteOther: number;
  readonly output: number;
  readonly outputReasoning: number;
  readonly outputAudio: number;
};

/** A count from a vendor's JSON: absent, null, negative, fractional or absurd is 0, so that no answer can break the books. */
export function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** A member that is an object, or an empty one. */
export function part(of: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = of[name];
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}
