/** Exchanges that wait for room, fairly between keys: of each key the first in line has its try before any other's second. */

export type Waiter = {
  readonly key: string;
  /** Tries again; true: it waits no longer. */
  attempt(): boolean;
};

export class WaitingRoom {
  /** A key that was served goes to the end. */
  readonly #lines = new Map<string, Waiter[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  enter(waiter: Waiter): void {
    const line = this.#lines.get(waiter.key);
    if (line === undefined) this.#lines.set(waiter.key, [waiter]);
    else line.push(waiter);
    this.#size++;
  }

  /** Lets each key's first try, and those behind one that got what it wanted. */
  serve(): void {
    for (const [key, line] of [...this.#lines]) {
      const first = line[0];
      if (first === undefined || !first.attempt()) continue;
      line.shift();
      this.#size--;
      this.#lines.delete(key);
      if (line.length > 0) this.#lines.set(key, line);
    }
  }

  /** Until nobody who may has had less luck than the others. */
  serveAll(): void {
    for (let before = -1; before !== this.#size; ) {
      before = this.#size;
      this.serve();
    }
  }

  /** The first of a line may wait for long: those behind it have their own patience. */
  expire(isOver: (waiter: Waiter) => boolean): void {
    for (const [key, line] of [...this.#lines]) {
      const left = line.filter((waiter) => !isOver(waiter));
      this.#size -= line.length - left.length;
      if (left.length === 0) this.#lines.delete(key);
      else this.#lines.set(key, left);
    }
  }
}
