/**
 * Refusal: why a call was not served. One word per reason: the same in code, answer, usage record, log and docs. Here each has
 * its status, and the sentence that its caller reads: what was refused, by which object, and what to do.
 */

export type Refusal =
  | { readonly code: "path_unknown"; readonly method: string; readonly path: string }
  | { readonly code: "method_not_allowed"; readonly method: string; readonly allow: string }
  | { readonly code: "websocket_unsupported" }
  | { readonly code: "operation_unsupported"; readonly operation: string }
  | { readonly code: "header_repeated"; readonly headers: readonly string[] }
  | { readonly code: "content_encoding_unsupported"; readonly encoding: string }
  | { readonly code: "key_missing" }
  | { readonly code: "key_conflict"; readonly headers: readonly string[] }
  | { readonly code: "key_malformed" }
  | { readonly code: "key_unknown" }
  | { readonly code: "key_revoked"; readonly key: string }
  | { readonly code: "key_suspended"; readonly key: string }
  | { readonly code: "key_expired"; readonly key: string; readonly expiredAt: string }
  | { readonly code: "key_not_admitted"; readonly key: string; readonly gateway: string }
  | { readonly code: "body_invalid"; readonly message: string; readonly param?: string }
  | { readonly code: "body_too_large"; readonly gateway: string; readonly bytesMax: number }
  | { readonly code: "body_too_slow" }
  | {
      readonly code: "model_not_found";
      readonly model: string;
      readonly offered: readonly string[];
      readonly more: number;
    }
  | {
      readonly code: "model_not_allowed";
      readonly model: string;
      readonly key: string;
      readonly offered: readonly string[];
      readonly more: number;
    }
  | {
      readonly code: "protocol_mismatch";
      readonly model: string;
      readonly caller: string;
      readonly route: string;
      readonly provider: string;
      readonly providerProtocol: string;
    }
  | { readonly code: "metadata_invalid"; readonly message: string }
  | { readonly code: "stopped"; readonly what: string; readonly untilMs: number | undefined; readonly reason: string }
  | { readonly code: "unbudgeted"; readonly gateway: string; readonly key: string }
  | { readonly code: "model_unpriced"; readonly model: string; readonly provider: string; readonly limit: string }
  | { readonly code: "server_tool_unbounded"; readonly tool: string; readonly limit: string }
  | ({ readonly code: "budget_exhausted" } & Shortfall)
  | ({ readonly code: "budget_reserved" } & Shortfall)
  | ({ readonly code: "rate_limited" } & Shortfall)
  | ({ readonly code: "concurrency_limited" } & Shortfall)
  | { readonly code: "limit_unavailable"; readonly limit: string; readonly retryAfterMs: number }
  | { readonly code: "journal_unavailable" }
  | { readonly code: "audit_unavailable" }
  | { readonly code: "not_ready" }
  | { readonly code: "draining" }
  | { readonly code: "credential_missing"; readonly provider: string }
  | { readonly code: "upstream_connect"; readonly provider: string; readonly reason: string }
  | {
      readonly code: "upstream_timeout";
      readonly provider: string;
      readonly deadline: "firstByte" | "idle" | "total";
      readonly afterMs: number;
    }
  | { readonly code: "upstream_closed"; readonly provider: string }
  | { readonly code: "upstream_malformed"; readonly provider: string; readonly what: string }
  | { readonly code: "upstream_redirect"; readonly provider: string; readonly status: number }
  | { readonly code: "upstream_authentication"; readonly provider: string; readonly status: number }
  | { readonly code: "internal_error" };

export type RefusalCode = Refusal["code"];

/** What a limit lacks for this call. Amounts are words with their unit: `$12.50`, `3000 tokens`. */
export type Shortfall = {
  /** `Budget namespace/name`. */
  readonly limit: string;
  /** `per` values of the account, `Service=search`; empty: the limit has one account. */
  readonly account: string;
  readonly amount: string;
  readonly spent: string;
  readonly reserved: string;
  readonly needed: string;
  /** The output cap that would fit, where one would. */
  readonly fitsTokens: number | undefined;
  /** Undefined: waiting does not help. */
  readonly retryAfterMs: number | undefined;
  /** RFC 3339, of the account's window; undefined: it does not turn. */
  readonly resetsAt: string | undefined;
};

/** Who is to be asked: `gateway` is us or our caller's request, `policy` a resource's rule, `upstream` the provider. */
export type ErrorSource = "gateway" | "policy" | "upstream";

export type RefusalText = {
  readonly status: number;
  readonly source: ErrorSource;
  /** Whole sentences for the caller. Never holds a key, a prompt or an address of ours. */
  readonly message: string;
  /** The resource that refuses, `kind namespace/name`, where there is one. */
  readonly object?: string;
  /** One command that shows or mends it. */
  readonly command: string;
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** An SDK that repeats the call would meet the same answer. */
const final = { "x-should-retry": "false" };

export function refusalText(refusal: Refusal): RefusalText {
  switch (refusal.code) {
    case "path_unknown":
      return gateway(
        404,
        `There is nothing at ${refusal.method} ${refusal.path}. Set the base URL to this gateway's address with its base path, for example http://HOST/api/inference/`,
        "sluice get gateways -A",
      );
    case "method_not_allowed":
      return {
        ...gateway(405, `${refusal.method} is not allowed here, use ${refusal.allow}.`, "sluice get gateways -A"),
        headers: { allow: refusal.allow },
      };
    case "websocket_unsupported":
      return gateway(426, "WebSocket connections are not served; send the call by POST.", "sluice get gateways -A");
    case "operation_unsupported":
      return gateway(
        404,
        `The operation '${refusal.operation}' is not served by this gateway; chat completions, completions, embeddings and messages are.`,
        "sluice get routes -A",
      );
    case "header_repeated":
      return gateway(
        400,
        `The header '${refusal.headers.join("', '")}' was sent more than once; send it once.`,
        "sluice get gateways -A",
      );
    case "content_encoding_unsupported":
      return gateway(
        415,
        `Bodies with content-encoding '${refusal.encoding}' are not read; send the body uncompressed.`,
        "sluice get gateways -A",
      );
    case "key_missing":
      return gateway(
        401,
        "No virtual key was sent. Send it as 'authorization: Bearer sk-sluice-…' or in x-api-key, api-key or x-goog-api-key.",
        "sluice keys create NAME",
      );
    case "key_conflict":
      return gateway(
        401,
        `Two different keys were sent, in ${refusal.headers.join(" and ")}; send one.`,
        "sluice keys list -A",
      );
    case "key_malformed":
      return gateway(
        401,
        "The virtual key is incomplete or mistyped: its checksum does not fit.",
        "sluice keys list -A",
      );
    case "key_unknown":
      return gateway(
        401,
        "The virtual key is not known here: it was never issued, or was deleted.",
        "sluice keys create NAME",
      );
    case "key_revoked":
      return policy(401, "The virtual key was revoked.", keyObject(refusal.key), "sluice keys create NAME");
    case "key_suspended":
      return policy(403, "The virtual key is suspended.", keyObject(refusal.key), describeKey(refusal.key));
    case "key_expired":
      return policy(
        401,
        `The virtual key expired at ${refusal.expiredAt}.`,
        keyObject(refusal.key),
        describeKey(refusal.key),
      );
    case "key_not_admitted":
      return policy(
        403,
        `The gateway does not admit keys of this namespace.`,
        `Gateway ${refusal.gateway}`,
        describe("gateway", refusal.gateway),
      );
    case "body_invalid":
      return { ...gateway(400, refusal.message, "sluice get routes -A"), param: refusal.param };
    case "body_too_large":
      return policy(
        413,
        `The body is larger than ${refusal.bytesMax} bytes, the Gateway's maxBodyBytes.`,
        `Gateway ${refusal.gateway}`,
        describe("gateway", refusal.gateway),
      );
    case "body_too_slow":
      return {
        ...gateway(408, "The body came too slowly: at least 1 KiB a second is expected.", "sluice get gateways -A"),
        headers: final,
      };
    case "model_not_found":
      return {
        ...gateway(404, `The model '${refusal.model}' is not served here. ${offer(refusal)}`, "sluice get routes -A"),
        param: "model",
      };
    case "model_not_allowed":
      return {
        ...policy(
          403,
          `This key may not use the model '${refusal.model}'. ${offer(refusal)}`,
          keyObject(refusal.key),
          describeKey(refusal.key),
        ),
        param: "model",
      };
    case "protocol_mismatch":
      return policy(
        400,
        `The model '${refusal.model}' is served by Provider ${refusal.provider}, which speaks ${refusal.providerProtocol}'s protocol, and this call speaks ${refusal.caller}'s. Calls are not translated between the two: use ${refusal.providerProtocol}'s SDK for this model.`,
        `Route ${refusal.route}`,
        describe("route", refusal.route),
      );
    case "metadata_invalid":
      return gateway(400, refusal.message, "sluice get gateways -A");
    case "stopped": {
      const until =
        refusal.untilMs === undefined ? "until it is undone" : `until ${new Date(refusal.untilMs).toISOString()}`;
      const message = `Calls of ${refusal.what} are stopped ${until}: ${refusal.reason}.`;
      return { ...policy(403, message, refusal.what, "sluice override list"), headers: final };
    }
    case "unbudgeted":
      return {
        ...policy(
          403,
          `No enforcing Budget covers this call, and the gateway serves none without one (VirtualKey ${refusal.key}).`,
          `Gateway ${refusal.gateway}`,
          "sluice get budgets -A",
        ),
        headers: final,
      };
    case "model_unpriced":
      return {
        ...policy(
          403,
          `The price of the model '${refusal.model}' at Provider ${refusal.provider} is not known, and a Budget in USD covers this call. Set spec.models[].price of the Provider; a free model says "0".`,
          refusal.limit,
          describe("provider", refusal.provider),
        ),
        headers: final,
        param: "model",
      };
    case "server_tool_unbounded":
      return {
        ...policy(
          400,
          `The tool '${refusal.tool}' runs at the provider as often as the model likes, so its cost has no bound. Give it a maximum, where its API has one (Anthropic: max_uses), or leave it out.`,
          refusal.limit,
          describe(...kindAndId(refusal.limit)),
        ),
        headers: final,
        param: "tools",
      };
    case "budget_exhausted":
      return short(refusal, `has too little left for this call: ${used(refusal)}`, final);
    case "budget_reserved":
      return short(
        refusal,
        `has no room just now, calls in flight hold it: ${used(refusal)}. It fits once they settle`,
      );
    case "rate_limited":
      return short(refusal, `is reached: ${used(refusal)}`, refusal.retryAfterMs === undefined ? final : undefined);
    case "concurrency_limited":
      return short(refusal, `is reached: ${refusal.amount} at once`);
    case "limit_unavailable":
      return {
        ...policy(
          503,
          "What is left of the limit is not known: the control plane does not answer, and what it had granted is spent.",
          refusal.limit,
          "sluice status",
        ),
        headers: { "retry-after": seconds(refusal.retryAfterMs) },
      };
    case "journal_unavailable":
      return {
        ...gateway(503, "The gateway's journal takes no more entries; the call was not sent.", "sluice status"),
        headers: { "retry-after": "1" },
      };
    case "audit_unavailable":
      return {
        ...gateway(503, "The gateway has no room to record another call; the call was not sent.", "sluice status"),
        headers: { "retry-after": "5" },
      };
    case "not_ready":
      return {
        ...gateway(503, "The gateway has no configuration yet.", "sluice status"),
        headers: { "retry-after": "1" },
      };
    case "draining":
      return {
        ...gateway(503, "This gateway instance is shutting down; the next attempt reaches another.", "sluice status"),
        headers: { "retry-after": "1" },
      };
    case "credential_missing":
      return upstream(
        502,
        "The provider's credential is not available to the gateway. The call was not sent.",
        refusal.provider,
        final,
      );
    case "upstream_connect":
      return upstream(502, `The provider could not be reached: ${refusal.reason}.`, refusal.provider);
    case "upstream_timeout":
      return upstream(
        504,
        `The provider did not answer in time: the deadline '${refusal.deadline}' of ${refusal.afterMs} ms passed.`,
        refusal.provider,
      );
    case "upstream_closed":
      return upstream(502, "The provider closed the connection before its answer was complete.", refusal.provider);
    case "upstream_malformed":
      return upstream(502, `The provider's answer is not in its own protocol: ${refusal.what}.`, refusal.provider);
    case "upstream_redirect":
      return upstream(
        502,
        `The provider answered with a redirect (${refusal.status}); redirects are not followed. Its baseUrl has to name the final address.`,
        refusal.provider,
        final,
      );
    case "upstream_authentication":
      return upstream(
        502,
        `The provider refuses the gateway's own credential (${refusal.status}). Your virtual key is not at fault.`,
        refusal.provider,
        final,
      );
    case "internal_error":
      return gateway(
        500,
        "The gateway failed on this call. The operator finds the reason in its log under this request's id.",
        "sluice status",
      );
  }
}

function gateway(status: number, message: string, command: string): RefusalText {
  return { status, source: "gateway", message, command };
}

function policy(status: number, message: string, object: string, command: string): RefusalText {
  return { status, source: "policy", message, object, command };
}

function upstream(
  status: number,
  message: string,
  provider: string,
  headers?: Readonly<Record<string, string>>,
): RefusalText {
  return {
    status,
    source: "upstream",
    message,
    object: `Provider ${provider}`,
    command: describe("provider", provider),
    headers,
  };
}

function describe(kind: string, id: string): string {
  const [namespace, name] = id.split("/");
  return `sluice describe ${kind} ${name} -n ${namespace}`;
}

/** 429, with when to come again: SDKs wait for `retry-after`, and give up at once where waiting won't help. */
function short(refusal: Shortfall, what: string, headers?: Readonly<Record<string, string>>): RefusalText {
  const account = refusal.account === "" ? "" : ` (${refusal.account})`;
  const fits = refusal.fitsTokens === undefined ? "" : ` A max_tokens of ${refusal.fitsTokens} would fit.`;
  const resets = refusal.resetsAt === undefined ? "" : ` It resets at ${refusal.resetsAt}.`;
  return {
    ...policy(
      429,
      `${refusal.limit}${account} ${what}.${fits}${resets}`,
      refusal.limit,
      describe(...kindAndId(refusal.limit)),
    ),
    headers: {
      ...headers,
      ...(refusal.retryAfterMs !== undefined && { "retry-after": seconds(refusal.retryAfterMs) }),
    },
  };
}

function used({ amount, spent, reserved, needed }: Shortfall): string {
  // Each call is one request: nobody need be told.
  const need = needed === "1 request" ? "" : `, this call may need ${needed}`;
  return `${spent} spent and ${reserved} reserved of ${amount}${need}`;
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

/** `Budget ai/monthly`. */
function kindAndId(limit: string): [kind: string, id: string] {
  const [kind = "", id = ""] = limit.split(" ");
  return [kind.toLowerCase(), id];
}

function keyObject(id: string): string {
  return `VirtualKey ${id}`;
}

function describeKey(id: string): string {
  return describe("virtualkey", id);
}

function offer(refusal: { readonly offered: readonly string[]; readonly more: number }): string {
  if (refusal.offered.length === 0) return "This key may use no model for this kind of call.";
  const more = refusal.more > 0 ? ` and ${refusal.more} more` : "";
  return `This key may use: ${refusal.offered.join(", ")}${more}.`;
}
