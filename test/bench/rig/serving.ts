/** A gateway is measured only after a right answer from it: a fast error is no result. */

import type { Target } from "../gateways/gateway.ts";
import { chatBody } from "./chat.ts";
import { sleep } from "./pinned-process.ts";

const waitMs = 60_000;

/** `ended`: why there is no use in waiting on. */
export async function waitUntilServing(target: Target, ended: () => string | undefined): Promise<void> {
  const until = Date.now() + waitMs;
  let last = "nothing";
  for (const stream of [false, true]) {
    while (!(await served(stream))) {
      const reason = ended();
      if (reason !== undefined) throw new Error(reason);
      if (Date.now() > until)
        throw new Error(`${target.url} does not serve ${stream ? "a stream" : "an answer"}: ${last}`);
      await sleep(100);
    }
    // The mock of whole answers does not stream: one right answer of it is enough.
    if (!stream && last.includes('"chatcmpl-B9')) return;
  }

  async function served(stream: boolean): Promise<boolean> {
    try {
      const answer = await fetch(target.url, {
        method: "POST",
        body: chatBody(target.model, stream),
        headers: { "content-type": "application/json", ...target.headers },
        signal: AbortSignal.timeout(10_000),
      });
      last = `${answer.status} ${(await answer.text()).slice(0, 300)}`;
      return answer.status === 200 && (stream ? last.includes("data: ") : last.includes('"choices"'));
    } catch (error) {
      last = String((error as Error).cause ?? error);
      return false;
    }
  }
}
