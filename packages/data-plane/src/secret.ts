/** Secret: a credential's text that does not print itself, wherever it is logged or serialized. */

import { inspect } from "node:util";

const redacted = "[redacted]";

export class Secret {
  readonly #text: string;
  readonly #bearer: string;

  constructor(text: string) {
    this.#text = text;
    this.#bearer = `Bearer ${text}`;
  }

  get text(): string {
    return this.#text;
  }

  /** As the value of `authorization`. */
  get bearer(): string {
    return this.#bearer;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
