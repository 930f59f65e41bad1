/** Calls that somebody has stopped by hand: found by what they are of. */

import type { StopPlan } from "@sluice/contract";
import type { CallFacts } from "./limit-table.ts";

export class StopTable {
  readonly #stops: readonly StopPlan[];

  constructor(stops: readonly StopPlan[]) {
    this.#stops = stops;
  }

  /** `nowMs`: wall clock; an act that has run out stops nothing, whether or not it has been cleared away. */
  find(call: CallFacts, nowMs: number): StopPlan | undefined {
    if (this.#stops.length === 0) return undefined;
    return this.#stops.find(
      (stop) => (stop.untilMs === undefined || stop.untilMs > nowMs) && factOf(stop.dimension, call) === stop.value,
    );
  }
}

function factOf(dimension: StopPlan["dimension"], call: CallFacts): string | undefined {
  switch (dimension) {
    case "Team":
      return call.caller.team;
    case "Service":
      return call.caller.service;
    case "User":
      return call.caller.user ?? call.claimedUser;
    case "Key":
      return call.caller.id;
    case "Model":
      return call.model;
    case "Provider":
      return call.provider;
  }
}
