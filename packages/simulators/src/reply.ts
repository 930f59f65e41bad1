/** What an endpoint answers, before the knobs of `plan-delivery.ts` spoil it. */

import type { Spent } from "./bill.ts";

/** One event of a stream, as its bytes on the wire, blank line included. */
export type StreamEvent = {
  readonly wire: string;
  /** Tokens in it: they set its place in time. */
  readonly tokens: number;
  /** Text, a tool call or reasoning, as opposed to openings, pings, usage and endings. */
  readonly content: boolean;
};

/** `spent`: what the vendor charges for it; absent: nothing. */
export type Reply =
  | {
      readonly kind: "json";
      readonly status: number;
      readonly headers: Headers;
      readonly body: unknown;
      readonly spent?: Spent;
    }
  | {
      readonly kind: "events";
      readonly spent?: Spent;
      readonly headers: Headers;
      readonly events: readonly StreamEvent[];
      /** The protocol's error event, for when a knob asks for it. */
      readonly errorWire: string;
    };

export type Headers = Readonly<Record<string, string>>;

/** A call as an endpoint sees it. */
export type Call = {
  readonly method: string;
  /** Below the vendor's `/v1`: `/chat/completions`. */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** SHA-256 of the body, hexadecimal. */
  readonly digest: string;
  /** 1, 2, 3 … since the simulator began. */
  readonly number: number;
  readonly nowMs: number;
};
