/**
 * One pass over a request's raw headers: the caller's key, what decides, and the few headers that go up. An allow-list: a
 * header that is not named here ends at the gateway, whatever `connection` says of it.
 */

/** What of a caller's headers a provider may see: how the call is meant, and the trace that it is part of. */
const forwarded = [
  "anthropic-beta",
  "anthropic-version",
  "idempotency-key",
  "openai-beta",
  "traceparent",
  "tracestate",
  "user-agent",
];
/** Where SDKs put a key. The header's name does not tell the protocol. */
const credentials = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
const claims = ["x-sluice-metadata", "x-sluice-run", "x-sluice-cost"];
const read = ["host", "content-encoding", "content-length", "upgrade", ...claims];
/** Sent twice, each could be read by another party. */
const single = new Set([...credentials, ...claims, "host", "content-encoding"]);

export type RequestHeaders = {
  /** The key's text; undefined: none was sent. */
  key: string | undefined;
  keyHeader: string | undefined;
  /** Why the headers can't be taken as they are. */
  problem: { readonly code: "key_conflict" | "header_repeated"; readonly headers: readonly string[] } | undefined;
  /** Names and values in turn, as undici takes them. */
  readonly forward: string[];
  host: string | undefined;
  contentEncoding: string | undefined;
  /** Bytes; 0 when not told. The HTTP parser has checked it. */
  contentLength: number;
  upgrade: string | undefined;
  /** `x-sluice-metadata`, `x-sluice-run`, as they came. */
  metadata: string | undefined;
  run: string | undefined;
  /** The caller takes a comment at the end of a stream. */
  costComment: boolean;
  /** Anthropic's SDKs send `anthropic-version` with every call; it tells callers apart where a path does not. */
  speaksAnthropic: boolean;
};

const names = new Map<string, string>([...forwarded, ...credentials, ...read].map((name) => [name, name]));
/** Spellings seen (`Content-Type`): bounded, since callers choose them. */
const spellings = new Map<string, string>(names);
const spellingsMax = 512;

function canonical(raw: string): string | undefined {
  const known = spellings.get(raw);
  if (known !== undefined) return known;
  const name = names.get(raw.toLowerCase());
  if (name !== undefined && spellings.size < spellingsMax) spellings.set(raw, name);
  return name;
}

const forwardedNames = new Set(forwarded);
const credentialNames = new Set(credentials);

export function readHeaders(raw: readonly string[]): RequestHeaders {
  const headers: RequestHeaders = {
    key: undefined,
    keyHeader: undefined,
    problem: undefined,
    forward: [],
    host: undefined,
    contentEncoding: undefined,
    contentLength: 0,
    upgrade: undefined,
    metadata: undefined,
    run: undefined,
    costComment: false,
    speaksAnthropic: false,
  };
  let seen: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = canonical(raw[at] as string);
    if (name === undefined) continue;
    const value = raw[at + 1] as string;
    if (forwardedNames.has(name)) {
      headers.forward.push(name, value);
      if (name === "anthropic-version") headers.speaksAnthropic = true;
      continue;
    }
    if (single.has(name)) {
      seen ??= new Set();
      if (seen.has(name)) headers.problem = { code: "header_repeated", headers: [name] };
      seen.add(name);
    }
    if (credentialNames.has(name)) takeKey(headers, name, value);
    else if (name === "host") headers.host = value;
    else if (name === "content-length") headers.contentLength = Number(value);
    else if (name === "content-encoding") headers.contentEncoding = value;
    else if (name === "upgrade") headers.upgrade = value;
    else if (name === "x-sluice-metadata") headers.metadata = value;
    else if (name === "x-sluice-run") headers.run = value;
    else if (name === "x-sluice-cost") headers.costComment = value === "comment";
  }
  return headers;
}

function takeKey(headers: RequestHeaders, name: string, value: string): void {
  const key = name === "authorization" ? bearer(value) : value.trim();
  if (key === undefined || key === "") return;
  if (headers.key !== undefined && headers.key !== key) {
    headers.problem ??= { code: "key_conflict", headers: [headers.keyHeader as string, name] };
    return;
  }
  headers.key = key;
  headers.keyHeader = name;
}

function bearer(value: string): string | undefined {
  return /^bearer +(\S+) *$/i.exec(value)?.[1];
}
