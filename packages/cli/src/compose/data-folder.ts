/**
 * `./.sluice/`: all that `sluice up` keeps. Made with rights for its owner alone, and with a `.gitignore` that hides all of it.
 *
 *     pgdata/      the record (PGlite)         sealing.key  32 bytes around secrets at rest
 *     resources/   YAML, watched               admin.token  for the admin API
 *     secrets/     namespace/name/key          up.json      who runs, and where, while it does
 *     spool/       usage not recorded yet      admin.key, admin.crt, kubeconfig: for kubectl
 *     journal/     calls under way, and what they may cost
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../command-error.ts";
import { type Certificate, makeAdminCertificate } from "./admin-certificate.ts";

export type DataFolder = {
  readonly path: string;
  /** There are no resources yet. */
  readonly isNew: boolean;
  readonly pgdata: string;
  readonly resources: string;
  readonly secrets: string;
  readonly spool: string;
  readonly journal: string;
  readonly sealingKey: Uint8Array;
  readonly adminToken: string;
  readonly adminCertificate: Certificate;
};

/** The folder must be there, and this process's alone: `makeFolder`, then `lockFolder`. */
export async function openDataFolder(
  path: string,
  ports: { bytes: (count: number) => Uint8Array; nowMs: () => number },
): Promise<DataFolder> {
  const randomBytes = ports.bytes;
  const inside = (name: string) => join(path, name);
  writeOnce(inside(".gitignore"), "*\n");
  for (const name of ["pgdata", "secrets", "spool", "journal"]) makeFolder(inside(name));
  writeOnce(inside("admin.token"), `${Buffer.from(randomBytes(32)).toString("base64url")}\n`);
  writeOnce(inside("sealing.key"), Buffer.from(randomBytes(32)));

  const sealingKey = readFileSync(inside("sealing.key"));
  if (sealingKey.length !== 32)
    throw new CommandError(
      `${inside("sealing.key")} has ${sealingKey.length} bytes instead of 32: restore it from a copy`,
    );
  if (!existsSync(inside("admin.crt"))) {
    const made = await makeAdminCertificate(ports.nowMs(), ports.bytes(16));
    writeWhole(inside("admin.key"), made.keyPem);
    writeWhole(inside("admin.crt"), made.certificatePem);
  }
  const adminCertificate = {
    keyPem: readFileSync(inside("admin.key"), "utf8"),
    certificatePem: readFileSync(inside("admin.crt"), "utf8"),
  };
  const adminToken = readFileSync(inside("admin.token"), "utf8").trim();
  return {
    path,
    isNew: !existsSync(inside("resources")),
    pgdata: inside("pgdata"),
    resources: inside("resources"),
    secrets: inside("secrets"),
    spool: inside("spool"),
    journal: inside("journal"),
    sealingKey,
    adminToken,
    adminCertificate,
  };
}

export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error("it is a file");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`can't make the data folder ${path}: ${reason}: name another with --data-dir`, {
      cause: error,
    });
  }
}

/** Whole or not at all: a crash in between must not leave half a key that every later start trips over. */
export function writeOnce(path: string, content: string | Uint8Array): void {
  if (existsSync(path)) return;
  writeWhole(path, content);
}

export function writeWhole(path: string, content: string | Uint8Array): void {
  const draft = `${path}.${process.pid}.draft`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
