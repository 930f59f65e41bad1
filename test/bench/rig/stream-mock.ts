/** A provider that streams: 60 chunks, 20 ms apart, the first at once, then usage and `[DONE]`. `node stream-mock.ts PORT`. */

import { createServer } from "node:http";

export const chunks = 60;
const gapMs = 20;
const frame = (delta: object, finish: string | null, more: object = {}) =>
  Buffer.from(
    `data: ${JSON.stringify({ id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", object: "chat.completion.chunk", created: 1741569952, model: "gpt-4o-mini-2024-07-18", system_fingerprint: "fp_b0b0b0b0b0", choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...more })}\n\n`,
  );
const word = frame({ content: " gateway" }, null);
const last = Buffer.concat([
  frame({}, "stop", { usage: { prompt_tokens: 42, completion_tokens: 60, total_tokens: 102 } }),
  Buffer.from("data: [DONE]\n\n"),
]);
const whole = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1741569952,
  model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content: "ready" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

if (import.meta.main) {
  createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (piece) => {
      body += piece;
    });
    incoming.on("end", () => {
      if (!/"stream":\s*true/.test(body)) {
        outgoing.writeHead(200, { "content-type": "application/json" }).end(whole);
        return;
      }
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      const begun = performance.now();
      let sent = 0;
      const next = () => {
        if (outgoing.destroyed) return;
        outgoing.write(word);
        sent++;
        if (sent === chunks) outgoing.end(last);
        else setTimeout(next, Math.max(0, begun + sent * gapMs - performance.now()));
      };
      next();
    });
  }).listen(Number(process.argv[2]), "127.0.0.1");
}
