/**
 * What every file here runs on: a simulator of both vendors, a gateway before it, and the environment of a client that was
 * told nothing but base URL and key. Vendors' keys are checked: a virtual key that went upstream would be refused there.
 */

import { createSimulator, type RecordedRequest, type Simulator } from "@sluice/simulators";
import { vi } from "vitest";
import { type RunningGateway, startGateway } from "./gateway.ts";

/** A base URL as people set it. `cutBytes`: the seed by which the vendor's answers are cut at random places. */
export type WayIn = { readonly name: string; readonly path: string; readonly cutBytes?: number };

export const waysIn: readonly WayIn[] = [
  { name: "base URL /api/inference/", path: "/api/inference/" },
  { name: "base URL /api/inference, bytes cut anywhere", path: "/api/inference", cutBytes: 1 },
  { name: "base URL /api/inference/v1", path: "/api/inference/v1" },
  { name: "base URL /api/inference/v1/, bytes cut anywhere", path: "/api/inference/v1/", cutBytes: 2 },
  { name: "base URL /", path: "/", cutBytes: 3 },
  { name: "base URL /v1", path: "/v1" },
];

/** The vendor itself, to show that its simulator is one for its own client. */
export const direct: WayIn = { name: "no gateway", path: "direct" };

export type Rig = AsyncDisposable & {
  readonly simulator: Simulator;
  readonly gateway: RunningGateway;
  /** Puts the environment of a client in place; `key` is the gateway's usual one unless told otherwise. */
  enter(way: WayIn, key?: string): void;
  /** The calls that the vendors saw with this text somewhere in their body. */
  seen(text: string): readonly RecordedRequest[];
};

const credential = "sk-vendor-key-that-no-caller-has";

export async function startRig(): Promise<Rig> {
  let cutBytes: number | undefined;
  const simulator = createSimulator({
    expectedKey: credential,
    behaviour: () => (cutBytes === undefined ? {} : { "cut-bytes": cutBytes }),
  });
  const { url, openaiUrl, anthropicUrl } = await simulator.listen();
  const gateway = await startGateway({ openaiUrl, anthropicUrl, credential });
  return {
    simulator,
    gateway,
    enter(way, key = gateway.key) {
      cutBytes = way.cutBytes;
      const straight = way.path === direct.path;
      vi.stubEnv("OPENAI_BASE_URL", straight ? openaiUrl : gateway.url + way.path);
      vi.stubEnv("ANTHROPIC_BASE_URL", straight ? `${url}/anthropic` : gateway.url + way.path);
      for (const name of ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]) vi.stubEnv(name, straight ? credential : key);
    },
    seen: (text) => simulator.requests.filter((request) => request.body.includes(text)),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await gateway[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

/** Ways of the simulator to write: how many tokens a text has, and that no character was torn. */
export function tokensIn(text: string): number {
  if (text.includes("\uFFFD")) throw new Error(`A character was torn apart: ${text}`);
  return text.match(/\s*\S+/g)?.length ?? 0;
}
