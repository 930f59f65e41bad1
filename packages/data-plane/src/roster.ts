/**
 * Roster: what is under way just now, to be gone through now and then. Not a Set: under thousands of additions a second a Set's
 * discarded tables, once they reach V8's old space, keep what they held, and every collection copies it (measured: 6 MB each).
 */

/** A member knows its own place; −1: in no roster. */
export type Placed = { place: number };

export class Roster<T extends Placed> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** No error when it is not in. The last member takes its place. */
  remove(member: T): void {
    const { place } = member;
    if (place < 0) return;
    member.place = -1;
    const last = this.#members.pop() as T;
    if (last === member) return;
    last.place = place;
    this.#members[place] = last;
  }

  /** Every member of the moment, whatever `visit` removes. */
  forEach(visit: (member: T) => void): void {
    for (const member of [...this.#members]) visit(member);
  }
}
