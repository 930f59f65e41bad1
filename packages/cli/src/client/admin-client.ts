/** The admin API over HTTP, in Kubernetes' conventions: paths, `Status` errors, tables. What a verb makes of an answer is its own. */

import { apiVersion } from "@sluice/api";
import { CommandError } from "../command-error.ts";
import type { Connection } from "./connection.ts";
import type { KindName } from "./kinds.ts";
import type { Manifest } from "./manifest.ts";

/** The API's refusal; `reason` is the word that a verb decides by: NotFound, AlreadyExists, Conflict, Invalid … */
export class ApiError extends CommandError {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(`Error from server (${reason}): ${message}`);
    this.reason = reason;
  }
}

export type Table = {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows: readonly {
    readonly cells: readonly unknown[];
    readonly object: { readonly metadata: { readonly name: string; readonly namespace?: string } };
  }[];
};

const tableType = "application/json;as=Table;v=v1;g=meta.k8s.io";
/** Everything the admin API does is local to it; only a wait for pods takes longer, and it says so itself. */
const answerMsMax = 30_000;

export class AdminClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Of one namespace, or of all when `namespace` is undefined. */
  async list(kind: KindName, namespace: string | undefined): Promise<Manifest[]> {
    const list = await this.call<{ items: Manifest[] }>("GET", collection(kind, namespace));
    // Kubernetes leaves these out of a list's items, as the list has them.
    return list.items.map((item) => ({ ...item, apiVersion, kind: kind.kind }));
  }

  listTable(kind: KindName, namespace: string | undefined): Promise<Table> {
    return this.call<Table>("GET", collection(kind, namespace), { accept: tableType });
  }

  get(kind: KindName, namespace: string, name: string): Promise<Manifest> {
    return this.call<Manifest>("GET", object(kind, namespace, name));
  }

  getTable(kind: KindName, namespace: string, name: string): Promise<Table> {
    return this.call<Table>("GET", object(kind, namespace, name), { accept: tableType });
  }

  /** As `get`; undefined when there is none. */
  async find(kind: KindName, namespace: string, name: string): Promise<Manifest | undefined> {
    try {
      return await this.get(kind, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.reason === "NotFound") return undefined;
      throw error;
    }
  }

  create(kind: KindName, namespace: string, manifest: Manifest): Promise<Manifest> {
    return this.call<Manifest>("POST", collection(kind, namespace), { body: manifest });
  }

  replace(kind: KindName, namespace: string, manifest: Manifest): Promise<Manifest> {
    return this.call<Manifest>("PUT", object(kind, namespace, manifest.metadata.name), { body: manifest });
  }

  async delete(kind: KindName, namespace: string, name: string): Promise<void> {
    await this.call("DELETE", object(kind, namespace, name));
  }

  /** Any other path: acts and reports beside the resources. */
  async call<Answer>(method: string, path: string, request: { accept?: string; body?: unknown } = {}): Promise<Answer> {
    const { server, token } = this.#connection;
    const headers: Record<string, string> = { accept: request.accept ?? "application/json" };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (request.body !== undefined) headers["content-type"] = "application/json";
    const body = request.body === undefined ? null : JSON.stringify(request.body);

    let response: Response;
    let text: string;
    try {
      response = await fetch(server + path, { method, headers, body, signal: AbortSignal.timeout(answerMsMax) });
      text = await response.text();
    } catch (error) {
      throw new CommandError(whyUnreachable(server, error), { cause: error });
    }
    const answer = parse(text);
    if (response.ok && answer !== undefined) return answer as Answer;
    if (response.status === 401) throw new CommandError(whyUnknown(server, token));
    throw refusal(server, response.status, answer);
  }
}

function collection(kind: KindName, namespace: string | undefined): string {
  const place = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${apiVersion}${place}/${kind.plural}`;
}

function object(kind: KindName, namespace: string, name: string): string {
  return `${collection(kind, namespace)}/${encodeURIComponent(name)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyUnreachable(server: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  if (code === "ECONNREFUSED")
    return `nothing runs at ${server}: start it with \`npm start\`, or name another with --server`;
  if (error instanceof Error && error.name === "TimeoutError")
    return `${server} gave no answer within ${answerMsMax / 1000} s: look at its log, or name another with --server`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `can't reach ${server}: ${reason}: check the address given by --server or SLUICE_SERVER`;
}

function whyUnknown(server: string, token: string | undefined): string {
  const what = token === undefined ? "wants a token" : "does not know this token";
  return `${server} ${what}: give it with --token or SLUICE_TOKEN (\`sluice up\` keeps it in .sluice/admin.token)`;
}

function refusal(server: string, status: number, answer: unknown): CommandError {
  const given = answer as { kind?: unknown; reason?: unknown; message?: unknown } | undefined;
  if (given?.kind !== "Status" || typeof given.message !== "string")
    return new CommandError(`${server} answered ${status}, not as Sluice's admin API does: check --server`);
  return new ApiError(typeof given.reason === "string" ? given.reason : String(status), given.message);
}
