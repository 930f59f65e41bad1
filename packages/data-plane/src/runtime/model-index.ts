/** Which entry a model's name leads to: an exact name before the longest prefix before `*`. Built at load; a look-up is Map look-ups. */

export type Found<T> = {
  readonly value: T /** 2: exact, 1: prefix, 0: `*`. */;
  readonly exactness: number;
  readonly prefixLength: number;
};

export class ModelIndex<T> {
  readonly #exact = new Map<string, T>();
  /** Longest first. */
  readonly #prefixes: { readonly prefix: string; readonly value: T }[] = [];
  #any: T | undefined;

  /** Of two entries with one pattern, the first stays. */
  add(pattern: string, value: T): void {
    if (pattern === "*") {
      this.#any ??= value;
    } else if (pattern.endsWith("*")) {
      const prefix = pattern.slice(0, -1);
      if (this.#prefixes.some((known) => known.prefix === prefix)) return;
      this.#prefixes.push({ prefix, value });
      this.#prefixes.sort((one, other) => other.prefix.length - one.prefix.length);
    } else if (!this.#exact.has(pattern)) {
      this.#exact.set(pattern, value);
    }
  }

  find(model: string): Found<T> | undefined {
    const exact = this.#exact.get(model);
    if (exact !== undefined) return { value: exact, exactness: 2, prefixLength: 0 };
    for (const { prefix, value } of this.#prefixes) {
      if (model.startsWith(prefix)) return { value, exactness: 1, prefixLength: prefix.length };
    }
    return this.#any === undefined ? undefined : { value: this.#any, exactness: 0, prefixLength: 0 };
  }
}

/** Whether one of the patterns covers the model. */
export function coversModel(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : pattern === model,
  );
}
