/** The knobs of one call, from all places where they may be: its model name, then its header, then the test's hook. */

import type { RecordedRequest } from "../recorded-requests.ts";
import type { Call } from "../reply.ts";
import type { JsonObject } from "../vendor.ts";
import type { Knobs } from "./knobs.ts";
import { knobsOfHeader, knobsOfModel } from "./read-knobs.ts";

/** Bodies whose first calls alone are simulated badly (`times`), remembered; the oldest goes first. */
const timedBodiesMax = 1000;

export class CallKnobs {
  readonly #behaviour: ((request: RecordedRequest) => Knobs | undefined) | undefined;
  #calls = new Map<string, number>();

  constructor(behaviour: ((request: RecordedRequest) => Knobs | undefined) | undefined) {
    this.#behaviour = behaviour;
  }

  /** The body comes back with a plain model name. Throws `KnobUnknown`. */
  read(body: JsonObject, call: Call, request: RecordedRequest): { body: JsonObject; knobs: Knobs } {
    const named = typeof body.model === "string" ? knobsOfModel(body.model) : undefined;
    const header = call.headers["x-simulate"];
    const knobs = {
      ...named?.knobs,
      ...knobsOfHeader(typeof header === "string" ? header : undefined),
      ...this.#behaviour?.(request),
    };
    const over = knobs.times !== undefined && this.#countCall(call.digest) > knobs.times;
    return { body: named === undefined ? body : { ...body, model: named.model }, knobs: over ? {} : knobs };
  }

  #countCall(digest: string): number {
    const count = (this.#calls.get(digest) ?? 0) + 1;
    this.#calls.delete(digest);
    this.#calls.set(digest, count);
    if (this.#calls.size > timedBodiesMax) this.#calls.delete(this.#calls.keys().next().value!);
    return count;
  }
}
