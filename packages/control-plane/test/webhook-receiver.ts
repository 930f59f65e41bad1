/** A receiver of webhooks on a free loopback port: keeps what it was sent, and answers as the test says. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Received = {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};
export type WebhookReceiver = AsyncDisposable & {
  readonly url: string;
  readonly received: Received[];
  /** Of the answers to come. */
  status: number;
  location: string | undefined;
};

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    received.push({ headers: request.headers, body });
    response.writeHead(receiver.status, receiver.location === undefined ? {} : { location: receiver.location });
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    status: 204,
    location: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return receiver;
}
