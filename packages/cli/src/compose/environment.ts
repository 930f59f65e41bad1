/**
 * What `sluice up` is made of, from flags and environment; flags win. All that is wrong is told at once, and what is only half
 * configured is refused: nobody should find out in production that a variable had a typo.
 */

import { resolve } from "node:path";
import { CommandError } from "../command-error.ts";
import { variable } from "../environment.ts";
import { type LogLevel, logLevels } from "./log.ts";

export type Address = { readonly host: string; readonly port: number };

export type UpFlags = {
  readonly dataDir?: string;
  readonly listen?: string;
  readonly adminListen?: string;
  readonly logLevel?: string;
};

export type UpSettings = {
  readonly folder: string;
  /** Undefined: the usual pair of ports, or the next that is free. */
  readonly listen: Address | undefined;
  readonly adminListen: Address | undefined;
  readonly logLevel: LogLevel;
  /** Undefined: PGlite in the folder. */
  readonly databaseUrl: string | undefined;
  readonly vendorKeys: { readonly openai: string | undefined; readonly anthropic: string | undefined };
};

/** Of later releases: accepting one silently would be a promise that nothing keeps. */
const notYet = [
  "NATS_URL",
  "NATS_CREDS_FILE",
  "SLUICE_PLANE_TOKEN_FILE",
  "SLUICE_TLS_CERT_FILE",
  "SLUICE_TLS_KEY_FILE",
];

export function readUpSettings(flags: UpFlags): UpSettings {
  const problems: string[] = [];
  const take = <Value>(name: string, flag: string | undefined, parse: (text: string) => Value | string) => {
    const text = flag ?? variable(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (typeof value !== "string") return value;
    problems.push(`${flag === undefined ? name : `--${flagName(name)}`}: ${value}`);
    return undefined;
  };
  const listen = take("SLUICE_LISTEN", flags.listen, parseAddress);
  const adminListen = take("SLUICE_ADMIN_LISTEN", flags.adminListen, parseAddress);
  const level = take("SLUICE_LOG_LEVEL", flags.logLevel, parseLogLevel);
  const database = take("DATABASE_URL", undefined, parseDatabaseUrl);
  for (const name of notYet)
    if (variable(name) !== undefined) problems.push(`${name}: \`sluice up\` does not use it yet: unset it`);
  if (listen !== undefined && listen.port !== 0 && listen.port === adminListen?.port)
    problems.push(`SLUICE_LISTEN and SLUICE_ADMIN_LISTEN: both have port ${listen.port}`);
  if (problems.length > 0) throw new CommandError(`the configuration has ${counted(problems)}`);
  return {
    folder: resolve(flags.dataDir ?? variable("SLUICE_DATA_DIR") ?? ".sluice"),
    listen,
    adminListen,
    logLevel: level?.level ?? "warn",
    databaseUrl: database?.href,
    vendorKeys: { openai: variable("OPENAI_API_KEY"), anthropic: variable("ANTHROPIC_API_KEY") },
  };
}

function counted(problems: readonly string[]): string {
  return `${problems.length === 1 ? "a mistake" : `${problems.length} mistakes`}:\n  ${problems.join("\n  ")}`;
}

function flagName(variableName: string): string {
  return variableName.replace("SLUICE_", "").toLowerCase().replaceAll("_", "-");
}

/** `4141`, `:4141`, `127.0.0.1:4141`, `[::1]:4141`. */
function parseAddress(text: string): Address | string {
  const [, v6, host, port = text] = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (!(number <= 65_535)) return `"${text}" is no address: write HOST:PORT, as in 127.0.0.1:4141`;
  return { host: v6 ?? (host || "127.0.0.1"), port: number };
}

function parseLogLevel(text: string): { level: LogLevel } | string {
  const level = logLevels.find((candidate) => candidate === text);
  return level === undefined ? `"${text}" is no level: write one of ${logLevels.join(", ")}` : { level };
}

/** The text is not repeated: it holds a password. */
function parseDatabaseUrl(text: string): { href: string } | string {
  const url = URL.parse(text);
  const known = url !== null && ["postgres:", "postgresql:"].includes(url.protocol);
  return known ? { href: text } : "is no PostgreSQL address: write postgresql://USER:PASSWORD@HOST:5432/DATABASE";
}
