/**
 * Relay: a provider's answer on its way to the caller. Untouched, but for the usage event that only we asked for. What the two
 * forms of an answer have in common is here; `relay-whole.ts` and `relay-stream.ts` are the forms.
 */

import type { RetryReason } from "@sluice/contract";
import type { Usage } from "@sluice/protocols";
import type { Exchange } from "../exchange.ts";
import type { Refusal } from "../refusal.ts";

/** How one upstream call ended. */
export type CallResult =
  /** The caller has its answer, or as much of it as there was; the exchange says how it ended. */
  | { readonly kind: "answered" }
  /** The caller went away. */
  | { readonly kind: "gone" }
  /** The caller has nothing yet: another target may be tried. */
  | {
      readonly kind: "failed";
      /** Undefined: no other target would do better. */
      readonly reason: RetryReason | undefined;
      readonly refusal: Refusal;
      /** The provider's, where it answered with an error. */
      readonly status?: number;
      /** The provider asked to wait this long. */
      readonly retryAfterMs?: number;
      /** Gives the caller the provider's own answer, where there is one fit to be passed on. */
      readonly passOn?: () => void;
    };

export type Relay = {
  /** The model's first content has come. */
  readonly hasContent: boolean;
  /** As far as the provider has told. */
  readonly usage: Usage | undefined;
  /** It has told all of it. */
  readonly usageTold: boolean;
  /** UTF-8 bytes of content so far, for an estimate where usage is not told. */
  readonly outputTextBytes: number;
  /** `more`: go on. `wait`: the caller reads slowly, go on after its connection has drained. Otherwise the call is over. */
  data(piece: Buffer): "more" | "wait" | CallResult;
  /** The provider's answer ended as HTTP. */
  end(): CallResult;
  /** The call can't go on. */
  fail(refusal: Refusal, reason: RetryReason | undefined): CallResult;
};

/** An answer that ended well. */
export function served(exchange: Exchange): CallResult {
  exchange.outcome = "Served";
  return { kind: "answered" };
}

/** An answer that broke off after the caller had its beginning. */
export function broken(exchange: Exchange, refusal: Refusal): CallResult {
  exchange.outcome = refusal.code.startsWith("upstream_") ? "UpstreamFailed" : "Refused";
  exchange.code = refusal.code;
  return { kind: "answered" };
}
