/** The flags that every verb with a server has, and the client made of them. */

import { defaultNamespace } from "@sluice/api";
import { type Command, InvalidArgumentError } from "commander";
import { AdminClient } from "./client/admin-client.ts";
import { findConnection } from "./client/connection.ts";
import { readClientEnvironment } from "./environment.ts";

export type ServerOptions = { readonly server?: string; readonly token?: string };

export function withServer(command: Command): Command {
  return command
    .option("--server <url>", "the admin API (SLUICE_SERVER; else the one of ./.sluice)", parseServer)
    .option("--token <token>", "its token (SLUICE_TOKEN; else .sluice/admin.token)");
}

export function withNamespace(command: Command): Command {
  return command.option("-n, --namespace <name>", `the namespace (default: "${defaultNamespace}")`);
}

export function clientFor(options: ServerOptions): AdminClient {
  const environment = readClientEnvironment();
  const server = options.server ?? environment.server;
  const token = options.token ?? environment.token;
  return new AdminClient(
    findConnection({
      ...(server === undefined ? {} : { server }),
      ...(token === undefined ? {} : { token }),
      folder: process.cwd(),
    }),
  );
}

function parseServer(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ""))
    throw new InvalidArgumentError("Write it as http://127.0.0.1:4142.");
  return text;
}
