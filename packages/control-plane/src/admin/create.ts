/**
 * The admin API: Kubernetes' conventions over the record, on a listener of its own. Every route stands in one table with the
 * permission that it asks for; a path that is not in it is nothing.
 */

import { apiVersion, findKind, revocationRequest } from "@sluice/api";
import type { Acknowledgement } from "@sluice/contract";
import { Hono } from "hono";
import type { Acts } from "../acts/acts.ts";
import type { Log } from "../log.ts";
import type { Revoke } from "../revoke.ts";
import type { SourceProblem } from "../sources/resource-files.ts";
import type { Store } from "../store/store.ts";
import { actor, correct, overrideBudget, overrides, stop, undo } from "./act-handlers.ts";
import { authenticate, refuseForeignPage } from "./authentication.ts";
import { apiGroups, coreVersions, ownGroup, ownResources, serverVersion } from "./discovery.ts";
import { openapiDocument, openapiIndex } from "./openapi.ts";
import { remove } from "./remove-resource.ts";
import { statusReport } from "./reports.ts";
import { mediaType, parseJson, readText } from "./request-body.ts";
import { type Answer, type Call, create, get, list, named, patch, update } from "./resource-handlers.ts";
import { events, spend, usage } from "./spend-handlers.ts";
import { notFound, StatusError } from "./status-error.ts";
import { watch } from "./watch.ts";

export type AdminPorts = {
  readonly store: Store;
  readonly revoke: Revoke;
  readonly acts: Acts;
  instances(): readonly Acknowledgement[];
  sourceProblems(): readonly SourceProblem[];
  /** The record is on the bus. */
  isReady(): boolean;
  readonly token: string;
  /** Of Sluice. */
  readonly version: string;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Ends open watches. */
  readonly closing: AbortSignal;
};

type Params = Readonly<Record<string, string>>;
type Handler = (request: { request: Request; query: URLSearchParams; params: Params }) => Promise<Response> | Response;
export type AdminRoute = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly permission: "none" | "admin";
  readonly handle: Handler;
};

export function createAdminApp(ports: AdminPorts): Hono {
  const app = new Hono({ strict: true });
  const routes = adminRoutes(ports);
  for (const route of routes) {
    app.on(route.method, route.path, async (context) => {
      const { raw } = context.req;
      refuseForeignPage(raw.headers.get("origin") ?? undefined, raw.headers.get("host") ?? undefined);
      if (route.permission !== "none") authenticate(raw.headers.get("authorization") ?? undefined, ports.token);
      return route.handle({
        request: raw,
        query: new URL(raw.url).searchParams,
        params: context.req.param() as Params,
      });
    });
  }
  app.notFound((context) => {
    authenticate(context.req.header("authorization"), ports.token);
    if (routes.some(({ path }) => matches(path, context.req.path))) {
      throw new StatusError("MethodNotAllowed", `${context.req.method} is not supported at this path`);
    }
    throw new StatusError("NotFound", "the server could not find the requested resource");
  });
  app.onError((error) => {
    if (error instanceof StatusError) return json(error.body, error.code);
    ports.log.error("the admin API failed on a request", { error });
    return json(
      new StatusError("InternalError", "The control plane failed on this request; the reason is in its log").body,
      500,
    );
  });
  return app;
}

/** `{place}` of a path: a segment that is one name, never more. */
export function adminRoutes(ports: AdminPorts): AdminRoute[] {
  const { store, acts, nowMs, closing, log } = ports;
  const route = (method: AdminRoute["method"], path: string, handle: Handler): AdminRoute => ({
    method,
    path,
    permission: "admin",
    handle,
  });
  const probe = (path: string, handle: Handler): AdminRoute => ({ method: "GET", path, permission: "none", handle });
  const fixed = (path: string, body: unknown) => route("GET", path, () => json(body));
  const base = `/apis/${apiVersion}`;
  const collection = `${base}/namespaces/:namespace/:plural`;
  const object = `${collection}/:name`;
  const on =
    (act: (call: Call, ports: { store: Store; nowMs: () => number }) => Promise<Answer>): Handler =>
    async (request) => {
      const { code, body } = await act(callOf(request), { store, nowMs });
      return json(body, code);
    };
  const listOrWatch: Handler = (request) => {
    const call = callOf(request);
    const asksWatch = ["true", "1"].includes(call.query.get("watch") ?? "");
    // Not for HEAD: nobody would read the answer, nor end it.
    return asksWatch && request.request.method === "GET"
      ? watch(call, { store, nowMs, closing, log })
      : on(list)(request);
  };
  const startedAtMs = nowMs();
  return [
    probe("/livez", () => new Response("ok")),
    probe("/healthz", () => new Response("ok")),
    probe("/readyz", () =>
      ports.isReady() ? new Response("ok") : new Response("nothing is published yet", { status: 503 }),
    ),
    fixed("/version", serverVersion),
    fixed("/api", coreVersions),
    fixed("/apis", apiGroups),
    fixed("/apis/sluice.dev", ownGroup),
    fixed(base, ownResources),
    fixed("/openapi/v3", openapiIndex),
    route("GET", `/openapi/v3/apis/${apiVersion}`, () => json(openapiDocument())),
    route("GET", `${base}/:plural`, listOrWatch),
    route("GET", collection, listOrWatch),
    route("POST", collection, on(create)),
    route("GET", object, on(get)),
    route("PUT", object, on(update)),
    route("PATCH", object, on(patch)),
    route("DELETE", object, on(remove)),
    route("GET", `${object}/status`, on(get)),
    route("POST", `${base}/namespaces/:namespace/virtualkeys/:name/revoke`, revokeHandler(ports)),
    route("GET", "/admin/v1/status", async () => json(await statusReport({ ...ports, startedAtMs }))),
    route("GET", "/admin/v1/spend", async ({ query }) => json(await spend(store, query, nowMs()))),
    route("GET", "/admin/v1/usage", async ({ query }) => json(await usage(store, query))),
    route("GET", "/admin/v1/events", async ({ query }) => json(await events(store, query))),
    route("POST", "/admin/v1/usage/reprice", async ({ request }) => json(await correct(ports, "reprice", request))),
    route("POST", "/admin/v1/usage/settle", async ({ request }) => json(await correct(ports, "settle", request))),
    route("POST", "/admin/v1/stops", async ({ request }) => json(await stop(acts, request), 201)),
    route("GET", "/admin/v1/overrides", async () => json(await overrides(acts))),
    route("POST", "/admin/v1/overrides/budgets", async ({ request }) => json(await overrideBudget(acts, request), 201)),
    route("DELETE", "/admin/v1/acts/:id", async ({ request, params }) =>
      json(await undo(acts, params.id ?? "", request)),
    ),
  ];
}

function revokeHandler({ revoke }: AdminPorts): Handler {
  return async ({ request, params }) => {
    const { namespace = "", name = "" } = params;
    const text = await readText(request);
    if (text !== "" && mediaType(request) !== "application/json")
      throw new StatusError("UnsupportedMediaType", "Send application/json");
    const asked = revocationRequest.safeParse(text === "" ? {} : parseJson(text));
    if (!asked.success)
      throw new StatusError("BadRequest", 'The body must be {"reason": "…"}, at most 1024 characters');
    const done = await revoke({ namespace, name }, actor, asked.data.reason);
    if (done.kind === "missing") {
      const definition = kindAt("virtualkeys");
      throw notFound(named({ definition, name }));
    }
    return json({ acknowledged: done.acknowledged, desired: done.of });
  };
}

function callOf({ request, query, params }: { request: Request; query: URLSearchParams; params: Params }): Call {
  const { plural = "", namespace, name } = params;
  return {
    request,
    query,
    place: {
      definition: kindAt(plural),
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    },
  };
}

function kindAt(plural: string) {
  const definition = findKind(plural);
  if (definition === undefined || definition.plural !== plural)
    throw new StatusError("NotFound", "the server could not find the requested resource");
  return definition;
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return wanted.length === given.length && wanted.every((part, at) => part.startsWith(":") || part === given[at]);
}

function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
