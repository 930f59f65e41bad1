/**
 * Targets that have counted more than they could by our bound. From then on, until the next start, their calls reserve the whole
 * context window for what was too small: one crafted call dearer for a target is better than a second overrun.
 */

import type { TargetRuntime } from "../runtime/runtime.ts";

/** What of a call was more than its bound. */
export type Raised = { readonly input: boolean; readonly output: boolean };

export function targetName({ plan, provider }: TargetRuntime, askedModel: string): string {
  return `${provider.id} ${plan.model ?? askedModel}`;
}

/** By `targetName`; beyond, callers have made up names, and the oldest is forgotten. */
const targetsMax = 1_000;

const none: Raised = { input: false, output: false };

export class RaisedBounds {
  readonly #byTarget = new Map<string, Raised>();

  of(target: string): Raised {
    return this.#byTarget.get(target) ?? none;
  }

  raise(target: string, by: Raised): void {
    const known = this.of(target);
    this.#byTarget.set(target, { input: known.input || by.input, output: known.output || by.output });
    const [oldest] = this.#byTarget.keys();
    if (this.#byTarget.size > targetsMax && oldest !== undefined) this.#byTarget.delete(oldest);
  }
}
