/** What the bench knows of a gateway: how it is started, and how a call to it looks. */

export type Target = {
  readonly url: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
};

export type StartInput = {
  /** `http://127.0.0.1:PORT` of the provider's mock. */
  readonly upstream: string;
  readonly port: number;
  /** An empty folder of its own. */
  readonly folder: string;
  /** Streams: a proxy must not buffer. */
  readonly streaming: boolean;
};

export type Gateway = {
  readonly name: string;
  /** One line for the table of results: what it is, and what is switched on. */
  readonly what: string;
  /** Why it can't be measured here; undefined when it can. May install it. */
  missing(): string | undefined;
  prepare(input: StartInput): {
    readonly command: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly target: Target;
  };
};

export const model = "gpt-4o-mini";
