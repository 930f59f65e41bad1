/** A vendor's prompt cache: whether a prefix was sent before. The vendor's folder says what a prefix is and how it is told. */

/** The oldest prefix is forgotten beyond this many. */
const prefixesMax = 1000;

export class PromptCache {
  #seen = new Set<string>();

  /** Whether `digest` was there; it is from now on. */
  touch(digest: string): boolean {
    const hit = this.#seen.delete(digest);
    this.#seen.add(digest);
    if (this.#seen.size > prefixesMax) this.#seen.delete(this.#seen.values().next().value!);
    return hit;
  }
}
