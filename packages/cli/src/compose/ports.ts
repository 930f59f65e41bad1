/** The pair of ports that `up` listens on: 4141 and 4142, or both ten further, as often as needed. */

import { createServer } from "node:net";
import { CommandError } from "../command-error.ts";
import type { Address } from "./environment.ts";

const usual = { data: 4141, admin: 4142 };
const loopback = "127.0.0.1";
const step = 10;
const pairsMax = 50;

export type Listen = {
  readonly data: Address;
  readonly admin: Address;
  /** Ports that were busy. */
  readonly passed: readonly number[];
};

/** An address that was asked for is taken as it is, or refused: a gateway elsewhere than configured is worse than none. */
export async function chooseListen(asked: { data: Address | undefined; admin: Address | undefined }): Promise<Listen> {
  for (const address of [asked.data, asked.admin]) if (address !== undefined) await mustBeFree(address);
  const passed: number[] = [];
  for (let pair = 0; pair < pairsMax; pair++) {
    const data = asked.data ?? { host: loopback, port: usual.data + pair * step };
    const admin = asked.admin ?? { host: loopback, port: usual.admin + pair * step };
    const busy: number[] = [];
    if (asked.data === undefined && (await bindError(data)) !== undefined) busy.push(data.port);
    if (asked.admin === undefined && (await bindError(admin)) !== undefined) busy.push(admin.port);
    if (busy.length === 0) return { data, admin, passed };
    passed.push(...busy);
  }
  throw new CommandError(
    `no free pair of ports between ${usual.data} and ${usual.data + pairsMax * step}: use --listen and --admin-listen`,
  );
}

export function isLoopback({ host }: Address): boolean {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host);
}

async function mustBeFree(address: Address): Promise<void> {
  const code = await bindError(address);
  if (code === undefined) return;
  const reason = code === "EADDRINUSE" ? "another program listens there" : code;
  throw new CommandError(`can't listen on ${address.host}:${address.port}: ${reason}`);
}

/** Node's error code, or undefined when the address is free. */
function bindError(address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(address.port, address.host, () => server.close(() => resolve(undefined)));
  });
}
