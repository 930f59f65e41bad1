/**
 * What a simulated vendor charges for, whatever it told and whoever hung up: the true tokens of each call. A gateway's books are
 * compared with it, so it never forgets an entry in silence.
 *
 * A vendor charges the input of a call that it has taken on. Of the output it charges what has been generated: an answer in one
 * piece as a whole, a stream up to the event that was written last, thought that is not shown before its first.
 */

/** Tokens by kind, disjoint, by the names of the gateway's own usage. */
export type BilledTokens = {
  readonly input: number;
  readonly inputAudio: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheWriteOther: number;
  readonly output: number;
  readonly outputReasoning: number;
  readonly outputAudio: number;
  readonly webSearches: number;
};

export type BillEntry = {
  /** 1, 2, 3 … over all calls of the simulator, those that cost nothing included. */
  readonly number: number;
  /** The vendor's own, as its answer's header tells it. */
  readonly requestId: string;
  readonly vendor: "openai" | "anthropic";
  /** Without knobs. */
  readonly model: string;
  readonly path: string;
  readonly startedAtMs: number;
  readonly tokens: BilledTokens;
  /** `Cut`: the answer did not reach its end; whose doing that was is not the bill's question. */
  readonly state: "Running" | "Finished" | "Cut";
};

/** What a whole answer costs. */
export type Spent = {
  readonly model: string;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  /** Thought included. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Tokens that were generated before the first event, and are in none. */
  readonly hiddenTokens: number;
  readonly webSearches: number;
};

/** Kept open while the call runs. */
export type BillLine = { generated(tokens: number): void; end(finished: boolean): void };

type Line = { call: Omit<BillEntry, "tokens" | "state">; spent: Spent; generated: number; state: BillEntry["state"] };

export class Bill {
  readonly #linesMax: number;
  readonly #lines: Line[] = [];
  #lost = 0;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** `generated`: tokens of output before anything is sent. */
  open(call: Line["call"], spent: Spent, generated: number): BillLine {
    const line: Line = { call, spent, generated: Math.min(generated, spent.outputTokens), state: "Running" };
    this.#lines.push(line);
    if (this.#lines.length > this.#linesMax) {
      this.#lines.shift();
      this.#lost++;
    }
    return {
      generated: (tokens) => {
        line.generated = Math.max(line.generated, Math.min(tokens, spent.outputTokens));
      },
      end: (finished) => {
        line.state = finished ? "Finished" : "Cut";
      },
    };
  }

  /** Oldest first. Throws when entries had to go: a bill with holes proves nothing. */
  entries(): BillEntry[] {
    if (this.#lost > 0) throw new Error(`The bill has lost ${this.#lost} entries, raise the simulator's billMax`);
    return this.#lines.map(({ call, spent, generated, state }) => {
      const outputReasoning = Math.min(generated, spent.reasoningTokens);
      const { input, cacheRead, cacheWrite5m, cacheWrite1h, webSearches } = spent;
      const tokens = {
        ...{ input, inputAudio: 0, cacheRead, cacheWrite5m, cacheWrite1h, cacheWriteOther: 0 },
        ...{ output: generated - outputReasoning, outputReasoning, outputAudio: 0, webSearches },
      };
      return { ...call, tokens, state };
    });
  }
}
