/** A chat completion before it has a form: whole (`chat-completions.ts`) or a stream (`chat-stream.ts`). */

import type { Answer } from "../answer/compose-answer.ts";
import type { Spent } from "../bill.ts";
import type { Call } from "../reply.ts";

export type Chat = {
  readonly call: Call;
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly answers: readonly Answer[];
  readonly usage: object | undefined;
  readonly spent: Spent;
  readonly serviceTier: string;
};

export function finishReason(answer: Answer): string {
  switch (answer.end.kind) {
    case "done":
    case "stop":
      return "stop";
    case "length":
      return "length";
    case "tools":
      return "tool_calls";
  }
}
