/** A refusal in the caller's own protocol, so that its SDK raises its own exception class. */

import type { Exchange } from "../exchange.ts";
import { linger } from "../listener.ts";
import { type Refusal, type RefusalText, refusalText } from "../refusal.ts";
import { tellLimits } from "./tell-limits.ts";

export function answerRefusal(exchange: Exchange, refusal: Refusal): void {
  const { outgoing, dialect, id } = exchange;
  const text = refusalText(refusal);
  const body = Buffer.from(
    dialect.buildError({
      status: text.status,
      code: refusal.code,
      message: fullMessage(text, id),
      param: text.param,
      requestId: id,
    }),
  );
  const limits: Record<string, string | number> = {};
  if (text.status === 429) tellLimits(exchange, limits, text.object);
  outgoing.writeHead(text.status, {
    ...limits,
    "content-type": "application/json",
    "content-length": body.length,
    "x-request-id": id,
    "request-id": id,
    "x-sluice-request-id": id,
    "x-sluice-error-source": text.source,
    ...text.headers,
    ...closing(exchange, refusal),
  });
  outgoing.end(exchange.incoming.method === "HEAD" ? undefined : body);
  exchange.responseBytes = body.length;
  linger(exchange.incoming);
}

/** The event that ends a stream which had begun. */
export function refusalEvent(exchange: Exchange, refusal: Refusal): Buffer {
  const text = refusalText(refusal);
  const { dialect, id } = exchange;
  return Buffer.from(
    dialect.buildErrorEvent({
      status: text.status,
      code: refusal.code,
      message: fullMessage(text, id),
      param: text.param,
      requestId: id,
    }),
  );
}

function fullMessage(text: RefusalText, requestId: string): string {
  const object = text.object === undefined ? "" : `${text.object}; `;
  return `${text.message} (${object}request ${requestId}; see: ${text.command})`;
}

/** A connection whose request was not read to its end can't carry another. */
function closing(exchange: Exchange, refusal: Refusal): { connection?: "close" } {
  return !exchange.incoming.complete || refusal.code === "draining" ? { connection: "close" } : {};
}
