/**
 * The admin API's listener. With a certificate one port takes HTTPS and HTTP, told apart by a connection's first byte: kubectl
 * sends a token over TLS only, and what runs on the same machine needs no certificate to trust.
 */

import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";

export type AdminListen = {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly keyPem: string; readonly certificatePem: string };
};
export type AdminListener = AsyncDisposable & { readonly address: { readonly host: string; readonly port: number } };

const limits = { headersTimeout: 10_000, requestTimeout: 60_000 };
/** The first byte of a TLS handshake (RFC 8446, record type `handshake`). */
const tlsHandshake = 0x16;
/** A connection that says nothing is closed. */
const firstByteMs = 10_000;

/** Rejects when the address can't be bound; the error has Node's `code`. */
export async function serveAdmin(app: Hono, { host, port, tls }: AdminListen): Promise<AdminListener> {
  const onRequest = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const http = createHttpServer(limits, onRequest);
  const https = tls && createHttpsServer({ ...limits, key: tls.keyPem, cert: tls.certificatePem }, onRequest);
  const sockets = new Set<Socket>();
  const door = https === undefined ? http : createNetServer((socket) => admit(socket, { http, https }));
  door.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject);
    door.listen(port, host, () => {
      door.off("error", reject);
      resolve();
    });
  });
  return {
    address: { host, port: (door.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      // Watches never end by themselves.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function admit(socket: Socket, servers: { http: Server; https: Server }): void {
  socket.on("error", () => socket.destroy());
  socket.setTimeout(firstByteMs, () => socket.destroy());
  socket.once("readable", () => {
    const first: Buffer | null = socket.read(1);
    socket.setTimeout(0);
    if (first === null) return;
    socket.unshift(first);
    (first[0] === tlsHandshake ? servers.https : servers.http).emit("connection", socket);
  });
}
