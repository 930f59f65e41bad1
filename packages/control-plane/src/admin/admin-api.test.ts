/** The admin API over real HTTP: Kubernetes' conventions, refusals that say what to do, and nothing for those without the token. */

import { connect } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AdminApi, startAdminApi, token } from "../../test/admin-api.ts";
import { adminRoutes } from "./create.ts";

const base = "/apis/sluice.dev/v1alpha1";
const soon = { timeout: 20_000, interval: 20 };
let api: AdminApi;
beforeAll(async () => {
  api = await startAdminApi();
});
afterAll(() => api[Symbol.asyncDispose]());

let count = 0;
const freshName = () => `route-${++count}`;
const route = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "sluice.dev/v1alpha1",
  kind: "Route",
  metadata: { name, ...metadata },
  spec: { models: [name], targets: [{ name: "a", providerRef: { name: "p" } }], ...spec },
});
const routes = (namespace = "default") => `${base}/namespaces/${namespace}/routes`;

test("an object is made, read, replaced and deleted, with what a server adds", async () => {
  const name = freshName();
  const made = await api.call("POST", routes(), { body: route(name, {}, { labels: { team: "a" } }) });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    kind: "Route",
    metadata: {
      name,
      namespace: "default",
      generation: 1,
      uid: expect.any(String),
      resourceVersion: expect.stringMatching(/^\d+$/),
      creationTimestamp: expect.stringMatching(/Z$/),
      labels: { team: "a" },
    },
  });
  expect(made.body.status).toHaveProperty("conditions");
  const replaced = await api.call("PUT", `${routes()}/${name}`, {
    body: { ...made.body, spec: { ...made.body.spec, models: ["x"] } },
  });
  expect(replaced.body.metadata).toMatchObject({ generation: 2 });
  const old = await api.call("PUT", `${routes()}/${name}`, {
    body: { ...made.body, spec: { ...made.body.spec, models: ["y"] } },
  });
  expect([old.status, old.body.reason]).toEqual([409, "Conflict"]);
  expect((await api.call("GET", `${routes()}/${name}`)).body.spec).toMatchObject({ models: ["x"] });
  expect((await api.call("POST", routes(), { body: route(name) })).body.reason).toBe("AlreadyExists");
  const gone = await api.call("DELETE", `${routes()}/${name}`);
  expect(gone.body).toMatchObject({ kind: "Status", status: "Success", details: { name } });
  expect((await api.call("GET", `${routes()}/${name}`)).body).toMatchObject({
    kind: "Status",
    code: 404,
    reason: "NotFound",
    message: `routes.sluice.dev "${name}" not found`,
  });
});

test("lists are of one namespace or all, selected by label and field, and tell their version", async () => {
  for (const [name, namespace, team] of [
    ["l1", "ns-a", "x"],
    ["l2", "ns-a", "y"],
    ["l3", "ns-b", "x"],
  ] as const) {
    await api.call("POST", routes(namespace), { body: route(name, {}, { labels: { team } }) });
  }
  const names = async (path: string) => (await api.call("GET", path)).body.items.map((item) => item.metadata?.name);
  expect(await names(routes("ns-a"))).toEqual(["l1", "l2"]);
  expect(await names(`${base}/routes?labelSelector=team%3Dx`)).toEqual(["l1", "l3"]);
  expect(await names(`${routes("ns-a")}?labelSelector=team+in+(y,z)`)).toEqual(["l2"]);
  expect(await names(`${routes("ns-a")}?labelSelector=!team`)).toEqual([]);
  expect(await names(`${base}/routes?fieldSelector=metadata.name%3Dl3`)).toEqual(["l3"]);
  expect((await api.call("GET", `${base}/routes?labelSelector=a%20b`)).status).toBe(400);
  expect((await api.call("GET", `${base}/routes?fieldSelector=spec.x%3D1`)).body.message).toContain("not supported");
});

test("what is wrong is told at once, field by field, with a hint for a mistyped one", async () => {
  const { status, body } = await api.call("POST", routes(), {
    body: route("bad", { modles: ["x"], targets: [{ name: "a" }], retry: { attempts: 99 } }),
  });
  expect(status).toBe(422);
  expect(body).toMatchObject({ reason: "Invalid", details: { kind: "routes", group: "sluice.dev" } });
  const fields = ((body.details?.causes ?? []) as { field: string }[]).map(({ field }) => field);
  expect(fields).toEqual(expect.arrayContaining(["spec.modles", "spec.targets[0].providerRef", "spec.retry.attempts"]));
  expect(body.message).toMatch(/models/);
});

test("a secret in clear is refused, and does not come back in the answer", async () => {
  const key = "sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  const provider = {
    apiVersion: "sluice.dev/v1alpha1",
    kind: "Provider",
    metadata: { name: "leaky" },
    spec: { type: "OpenAI", credential: { type: "APIKey", apiKey: key } },
  };
  const { status, body } = await api.call("POST", `${base}/namespaces/default/providers`, { body: provider });
  expect(status).toBe(422);
  expect(JSON.stringify(body)).not.toContain(key);
});

test("what can't be changed is refused", async () => {
  const provider = (type: string) => ({
    apiVersion: "sluice.dev/v1alpha1",
    kind: "Provider",
    metadata: { name: "fixed" },
    spec: { type, credential: { type: "None" } },
  });
  await api.call("POST", `${base}/namespaces/default/providers`, { body: provider("OpenAI") });
  const { status, body } = await api.call("PUT", `${base}/namespaces/default/providers/fixed`, {
    body: provider("Anthropic"),
  });
  expect(status).toBe(422);
  expect(body.message).toContain("spec.type");
});

test("patches merge or operate, keep what they do not name, and refuse other kinds", async () => {
  const name = freshName();
  await api.call("POST", routes(), { body: route(name) });
  const patch = (type: string, body: unknown) =>
    api.call("PATCH", `${routes()}/${name}`, { body, headers: { "content-type": type } });
  expect(
    (await patch("application/merge-patch+json", { spec: { models: ["m"] }, metadata: { labels: { a: "b" } } })).body,
  ).toMatchObject({ spec: { models: ["m"], targets: [{ name: "a" }] }, metadata: { labels: { a: "b" } } });
  expect(
    (await patch("application/json-patch+json", [{ op: "add", path: "/spec/models/-", value: "n" }])).body.spec,
  ).toMatchObject({ models: ["m", "n"] });
  expect(
    (await patch("application/merge-patch+json", { metadata: { resourceVersion: "1" }, spec: { models: ["z"] } })).body
      .reason,
  ).toBe("Conflict");
  expect((await patch("application/strategic-merge-patch+json", {})).status).toBe(415);
  expect((await patch("application/apply-patch+yaml", {})).body.message).toContain("--server-side");
  expect((await patch("application/merge-patch+json", { metadata: { name: "other" } })).status).toBe(400);
});

test("concurrent patches all take effect", async () => {
  const name = freshName();
  await api.call("POST", routes(), { body: route(name) });
  const labels = ["a", "b", "c", "d"];
  const answers = await Promise.all(
    labels.map((label) =>
      api.call("PATCH", `${routes()}/${name}`, {
        body: { metadata: { labels: { [label]: "1" } } },
        headers: { "content-type": "application/merge-patch+json" },
      }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect((await api.call("GET", `${routes()}/${name}`)).body.metadata?.labels).toEqual({
    a: "1",
    b: "1",
    c: "1",
    d: "1",
  });
});

test("a dry run answers as the write would, and writes nothing", async () => {
  const name = freshName();
  expect((await api.call("POST", `${routes()}?dryRun=All`, { body: route(name) })).status).toBe(201);
  expect((await api.call("GET", `${routes()}/${name}`)).status).toBe(404);
  await api.call("POST", routes(), { body: route(name) });
  expect((await api.call("DELETE", `${routes()}/${name}?dryRun=All`)).status).toBe(200);
  expect((await api.call("GET", `${routes()}/${name}`)).status).toBe(200);
  expect((await api.call("POST", `${routes()}?dryRun=Some`, { body: route(freshName()) })).status).toBe(400);
});

test("a deletion heeds the options in its body: a dry run deletes nothing, a precondition must hold", async () => {
  const name = freshName();
  const { body: made } = await api.call("POST", routes(), { body: route(name) });
  const deleting = (body: unknown) => api.call("DELETE", `${routes()}/${name}`, { body });
  expect((await deleting({ kind: "DeleteOptions", dryRun: ["All"] })).status).toBe(200);
  expect((await deleting({ dryRun: ["Some"] })).status).toBe(400);
  expect((await deleting({ dryRun: "All" })).status).toBe(400);
  expect((await deleting({ preconditions: { uid: "another" } })).status).toBe(409);
  expect((await deleting({ preconditions: { resourceVersion: "1" } })).status).toBe(409);
  expect((await api.call("GET", `${routes()}/${name}`)).status).toBe(200);
  expect((await deleting({ preconditions: { uid: made.metadata?.uid } })).status).toBe(200);
  expect((await api.call("GET", `${routes()}/${name}`)).status).toBe(404);
});

test("a dry run of a change answers with all that the object has", async () => {
  const name = freshName();
  const { body: made } = await api.call("POST", routes(), { body: route(name) });
  const { body } = await api.call("PUT", `${routes()}/${name}?dryRun=All`, { body: route(name, { models: ["new"] }) });
  expect(body).toMatchObject({ spec: { models: ["new"] }, metadata: { uid: made.metadata?.uid } });
  expect((await api.call("GET", `${routes()}/${name}`)).body.spec).toMatchObject({ models: [name] });
});

test("a resource of the folder is read here and changed there: the refusal names the file", async () => {
  api.writeFile("mine.yaml", JSON.stringify(route("from-a-file")));
  await vi.waitFor(async () => expect((await api.call("GET", `${routes()}/from-a-file`)).status).toBe(200), soon);
  for (const [method, options] of [
    ["PUT", { body: route("from-a-file", { models: ["other"] }) }],
    ["DELETE", {}],
  ] as const) {
    const { status, body } = await api.call(method, `${routes()}/from-a-file`, options);
    expect([status, body.reason]).toEqual([409, "Conflict"]);
    expect(body.message).toContain("mine.yaml");
  }
});

test("YAML is read as the folder's files are, with line and column for what is wrong", async () => {
  const headers = { "content-type": "application/yaml" };
  const yaml =
    "apiVersion: sluice.dev/v1alpha1\nkind: Route\nmetadata: { name: from-yaml }\nspec:\n  models: [a]\n  targets: [{ name: a, providerRef: { name: p } }]\n";
  expect((await api.call("POST", routes(), { body: yaml, headers })).status).toBe(201);
  const { body } = await api.call("POST", routes(), { body: yaml.replace("models", "modles"), headers });
  expect(body.message).toMatch(/body:5:3/);
  expect(body.details?.causes).toContainEqual(expect.objectContaining({ field: "spec.modles" }));
});

/** Reads a watch's lines until `enough`. */
async function watched(
  path: string,
  enough: (events: { type: string; object: { metadata: { name: string } } }[]) => boolean,
  meanwhile = async () => {},
) {
  const stop = new AbortController();
  const answer = await fetch(api.url + path, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  void meanwhile();
  let text = "";
  const events = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  while (!enough(events())) {
    const { value, done } = await reader.read();
    if (done) break;
    text += Buffer.from(value).toString();
  }
  stop.abort();
  return events();
}

test("a watch tells what is there and then every change, and resumes from a version without loss", async () => {
  const namespace = "watched";
  await api.call("POST", routes(namespace), { body: route("w1") });
  const from = (await api.call("GET", routes(namespace))).body.metadata?.resourceVersion;
  const changes = async () => {
    await api.call("POST", routes(namespace), { body: route("w2") });
    await api.call("DELETE", `${routes(namespace)}/w1`);
  };
  const named = (events: { type: string; object: { metadata: { name: string } } }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);
  const ended = (events: { type: string }[]) => events.some(({ type }) => type === "DELETED");
  const fresh = named(await watched(`${routes(namespace)}?watch=true`, ended, changes));
  expect(fresh[0]).toBe("ADDED w1");
  expect(fresh).toContain("ADDED w2");
  expect(fresh).toContain("DELETED w1");
  const resumed = named(await watched(`${routes(namespace)}?watch=true&resourceVersion=${from}`, ended));
  expect(resumed).toContain("ADDED w2");
  expect(resumed).toContain("DELETED w1");
});

test("a watch-list ends its beginning with a bookmark, and a watch ends when its time is over", async () => {
  const events = await watched(
    `${base}/gateways?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1`,
    () => false,
  );
  expect(events[0]).toMatchObject({
    type: "BOOKMARK",
    object: { metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
  });
});

test("every path but the probes asks for the token, and a wrong one is told where the right one is", async () => {
  const table = adminRoutes({ nowMs: () => 0 } as never).filter(({ permission }) => permission !== "none");
  expect(table.length).toBeGreaterThan(15);
  for (const { method, path } of table) {
    const concrete = path.replace(":plural", "routes").replace(/:\w+/g, "x");
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: `Basic ${token}` }]) {
      const answer = await fetch(api.url + concrete, { method, headers: headers as Record<string, string> });
      expect([concrete, answer.status]).toEqual([concrete, 401]);
      expect(await answer.text()).toContain(".sluice/admin.token");
    }
  }
  expect((await fetch(`${api.url}/nothing/here`)).status).toBe(401);
  for (const probe of ["/livez", "/healthz", "/readyz"]) expect((await fetch(api.url + probe)).status).toBe(200);
});

test("a page of another origin is refused, even with the token", async () => {
  expect((await api.call("GET", `${base}/routes`, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  expect((await api.call("GET", `${base}/routes`, { headers: { origin: api.url } })).status).toBe(200);
});

test.for([
  ["GET", "/apis/sluice.dev/v1alpha1//routes"],
  ["GET", "/apis/sluice.dev/v1alpha1/../v1alpha1/secrets"],
  ["GET", "/apis/sluice.dev/v1alpha1/namespaces/a%2fb/routes%2fx"],
  ["GET", "/apis/sluice.dev/v1alpha1/Routes"],
  ["GET", "/apis/sluice.dev/v1alpha1/route"],
  ["GET", "/apis/sluice.dev/v1alpha1/routes/"],
  ["GET", "/api/v1/secrets"],
  ["GET", "http://evil/apis/sluice.dev/v1alpha1/secrets"],
] as const)("%s %s is nothing", async ([method, path]) => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(api.port, "127.0.0.1");
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
    });
    socket.on("close", () => resolve(text));
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${token}\r\n\r\n`,
    );
  });
  expect(answer).toMatch(/^HTTP\/1\.1 40[04]/);
});

test("other methods are refused by name, and collections are not deleted whole", async () => {
  expect((await api.call("DELETE", routes())).body).toMatchObject({ code: 405, reason: "MethodNotAllowed" });
  expect((await api.call("POST", `${routes()}/x`, { body: {} })).status).toBe(405);
});

test.for([
  ["no JSON", "{", 400],
  ["nothing", "", 400],
  ["a number", "5", 422],
  ["null", "null", 422],
  ["a list", "[]", 422],
  ["another kind", JSON.stringify({ ...route("x"), kind: "Pod" }), 422],
  ["another version", JSON.stringify({ ...route("x"), apiVersion: "v1" }), 422],
  [
    "another kind of ours",
    JSON.stringify({ apiVersion: "sluice.dev/v1alpha1", kind: "Gateway", metadata: { name: "x" }, spec: {} }),
    400,
  ],
  ["another namespace", JSON.stringify(route("x", {}, { namespace: "other" })), 400],
  ["a name that is none", JSON.stringify(route("../x")), 422],
  ["an absurd depth", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, 422],
  ["a prototype", '{"__proto__":{"kind":"Route"},"constructor":1}', 422],
] as const)("a body of %s is refused, and the API goes on", async ([, body, status]) => {
  const answer = await api.call("POST", routes(), { body });
  expect([answer.status, answer.body.kind]).toEqual([status, "Status"]);
  expect((await api.call("GET", "/readyz")).status).toBe(200);
});

test("a body of more than 3 MiB is refused as such", async () => {
  const { status, body } = await api.call("POST", routes(), { body: `{"x":"${"y".repeat(3_200_000)}"}` });
  expect([status, body.reason]).toEqual([413, "RequestEntityTooLarge"]);
});

const tableType = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

test("tables have the kind's columns and a cell for each", async () => {
  const name = freshName();
  await api.call("POST", routes("tables"), { body: route(name) });
  const { body } = await api.call("GET", routes("tables"), {
    headers: { accept: tableType },
  });
  expect(body).toMatchObject({ kind: "Table", rows: [{ object: { metadata: { name, namespace: "tables" } } }] });
  const columns = (body.columnDefinitions as unknown as { name: string }[]).map((column) => column.name);
  expect(columns).toEqual(["Name", "Ready", "Models", "Age"]);
  expect(body.rows[0]?.cells).toHaveLength(columns.length);
  const rowWith = async (included: string) =>
    api.call("GET", `${routes("tables")}?includeObject=${included}`, { headers: { accept: tableType } });
  expect((await rowWith("Object")).body.rows[0]?.object).toMatchObject({ kind: "Route", spec: { models: [name] } });
  expect((await rowWith("None")).body.rows[0]).not.toHaveProperty("object");
  expect((await rowWith("Everything")).status).toBe(400);
});

test("a key is revoked by its own act, which an applied manifest does not undo", async () => {
  const keys = `${base}/namespaces/default/virtualkeys`;
  const key = {
    apiVersion: "sluice.dev/v1alpha1",
    kind: "VirtualKey",
    metadata: { name: "k" },
    spec: { hash: "ab".repeat(32) },
  };
  await api.call("POST", keys, { body: key });
  expect((await api.call("POST", `${keys}/k/revoke`, { body: { reason: "lost" } })).body).toEqual({
    acknowledged: 0,
    desired: 0,
  });
  await api.call("PUT", `${keys}/k`, { body: { ...key, metadata: { ...key.metadata, labels: { again: "yes" } } } });
  await vi.waitFor(async () => {
    const conditions = (await api.call("GET", `${keys}/k`)).body.status?.conditions as unknown as {
      type: string;
      status: string;
      reason: string;
    }[];
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "Revoked" });
  }, soon);
  expect((await api.call("POST", `${keys}/none/revoke`)).status).toBe(404);
  expect((await api.call("POST", `${keys}/k/revoke`, { body: { why: 1 } })).status).toBe(400);
});

test("the status report counts resources and names what needs a look; usage refuses what it can't read", async () => {
  const { body } = await api.call("GET", "/admin/v1/status");
  expect(body).toMatchObject({
    version: "0.0.0-test",
    resources: expect.arrayContaining([expect.objectContaining({ kind: "Route" })]),
  });
  expect((await api.call("GET", "/admin/v1/usage?limit=5")).body).toEqual({ items: [] });
  for (const query of ["limit=0", "limit=x", "since=yesterday"])
    expect((await api.call("GET", `/admin/v1/usage?${query}`)).status).toBe(400);
});

test("the token is in no log line and no answer", async () => {
  expect(JSON.stringify(api.log.lines)).not.toContain(token);
  expect(JSON.stringify((await api.call("GET", "/admin/v1/status")).body)).not.toContain(token);
});
