/** `sluice keys`: virtual keys. A key is made here; only its hash ever leaves this process, and its text is shown once. */

import { randomBytes } from "node:crypto";
import { apiVersion, defaultNamespace, keyPrefixAnnotation } from "@sluice/api";
import { virtualKeyDisplay, virtualKeyFrom, virtualKeyHash } from "@sluice/contract";
import { Command, InvalidArgumentError } from "commander";
import { findKind } from "../client/kinds.ts";
import type { Manifest } from "../client/manifest.ts";
import { clientFor, type ServerOptions, withNamespace, withServer } from "../client-options.ts";
import { type GetOptions, get, withGetOptions } from "./get.ts";

const programmedMsMax = 5_000;

type CreateOptions = ServerOptions & {
  namespace?: string;
  team?: string;
  service?: string;
  user?: string;
  model?: string[];
  route?: string[];
  expires?: string;
};

export function keysCommand(): Command {
  const command = new Command("keys").description("Make, list and revoke virtual keys");
  command.addCommand(createCommand());
  command.addCommand(listCommand());
  command.addCommand(revokeCommand());
  return command;
}

function createCommand(): Command {
  const command = new Command("create")
    .description("Make a key. It is printed once, alone on standard output: KEY=$(sluice keys create NAME)")
    .argument("<name>", "the name of its VirtualKey")
    .option("--team <team>", "whom its calls are counted for")
    .option("--service <service>", "the application that uses it")
    .option("--user <user>", "the person who uses it")
    .option("--model <pattern...>", "only these models, as gpt-4o or gpt-*")
    .option("--route <name...>", "only these routes")
    .option("--expires <duration>", "as 12h, 30d or 2027-01-31T00:00:00Z (default: never)", parseExpiry)
    .action(create);
  return withServer(withNamespace(command));
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const namespace = options.namespace ?? defaultNamespace;
  const kind = findKind("virtualkey");
  const key = virtualKeyFrom(randomBytes(32));
  const { team, service, user, model, route, expires } = options;
  const subject = { ...(team && { team }), ...(service && { service }), ...(user && { user }) };
  const allow = { ...(model && { models: model }), ...(route && { routes: route.map((each) => ({ name: each })) }) };
  const manifest: Manifest = {
    apiVersion,
    kind: kind.kind,
    metadata: { name, namespace, annotations: { [keyPrefixAnnotation]: virtualKeyDisplay(key) } },
    spec: {
      ...(Object.keys(subject).length > 0 && { subject }),
      hash: virtualKeyHash(key),
      ...(Object.keys(allow).length > 0 && { allow }),
      ...(expires && { expiresAt: expires }),
    },
  };
  const client = clientFor(options);
  await client.create(kind, namespace, manifest);
  const known = await untilProgrammed(() => client.get(kind, namespace, name));
  console.error(`Key ${namespace}/${name} is made. It is shown only now; Sluice keeps its hash alone.`);
  if (!known) console.error("Not every data plane knows it yet: `sluice status` says why.");
  console.log(key);
}

/** A key that is printed works at once: scripts use it in their next line. False: it took too long. */
async function untilProgrammed(read: () => Promise<Manifest>): Promise<boolean> {
  const until = performance.now() + programmedMsMax;
  while (performance.now() < until) {
    const { status } = await read();
    if (status?.conditions?.some(({ type, status: holds }) => type === "Programmed" && holds === "True")) return true;
    await new Promise((wake) => setTimeout(wake, 20));
  }
  return false;
}

/** `get virtualkeys`, under the name that people look for. */
function listCommand(): Command {
  const command = new Command("list").description("Show keys, never their text");
  return withGetOptions(command.action((options: GetOptions) => get(["virtualkeys"], options)));
}

function revokeCommand(): Command {
  const command = new Command("revoke")
    .description("End a key for good, calls in flight included; waits until every data plane refuses it")
    .argument("<name>", "the name of its VirtualKey")
    .option("--reason <text>", "why, for the record", "revoked by sluice keys revoke")
    .action(revoke);
  return withServer(withNamespace(command));
}

async function revoke(name: string, options: ServerOptions & { namespace?: string; reason: string }): Promise<void> {
  const { plural } = findKind("virtualkey");
  const namespace = options.namespace ?? defaultNamespace;
  const path = [namespace, plural, name].map(encodeURIComponent).join("/");
  const answer = await clientFor(options).call<Revoked>("POST", `/apis/${apiVersion}/namespaces/${path}/revoke`, {
    body: { reason: options.reason },
  });
  console.log(`revoked on ${answer.acknowledged}/${answer.desired} data planes`);
}

type Revoked = { readonly acknowledged: number; readonly desired: number };

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A point in time, RFC 3339, from a duration or from itself. */
function parseExpiry(text: string): string {
  const [, count, unit] = /^([1-9][0-9]{0,5})([mhd])$/.exec(text) ?? [];
  const at = unit === undefined ? Date.parse(text) : Date.now() + Number(count) * unitMs[unit as keyof typeof unitMs];
  if (Number.isNaN(at))
    throw new InvalidArgumentError("Write a duration as 30m, 12h or 90d, or a time as 2027-01-31T00:00:00Z.");
  if (at <= Date.now()) throw new InvalidArgumentError("It lies in the past.");
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}
