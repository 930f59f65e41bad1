/** A real kubectl against the admin API, over TLS as kubectl needs it for a token. */

import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AdminApi, startAdminApi, token } from "../../test/admin-api.ts";

const missing = ["kubectl version --client", "openssl version"].filter((command) => {
  const [program = "", ...args] = command.split(" ");
  return spawnSync(program, args, { stdio: "ignore" }).status !== 0;
});
const whySkipped = `not on PATH: ${missing.map((command) => command.split(" ")[0]).join(", ")}`;

const folder = mkdtempSync(join(tmpdir(), "sluice-kubectl-"));
let api: AdminApi;
beforeAll(async () => {
  if (missing.length > 0) return;
  // A self-signed certificate of this test's own: openssl is wherever kubectl is tested.
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=test",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      join(folder, "key"),
      "-out",
      join(folder, "crt"),
    ],
    { stdio: "ignore" },
  );
  api = await startAdminApi({
    tls: {
      keyPem: readFileSync(join(folder, "key"), "utf8"),
      certificatePem: readFileSync(join(folder, "crt"), "utf8"),
    },
  });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

type Ran = { readonly code: number; readonly out: string };

function kubectl(...args: string[]): Promise<Ran> {
  const access = [
    `--server=https://127.0.0.1:${api.port}`,
    `--token=${token}`,
    `--certificate-authority=${join(folder, "crt")}`,
    `--cache-dir=${join(folder, "cache")}`,
  ];
  return new Promise((resolve) => {
    execFile(
      "kubectl",
      [...access, ...args],
      { env: { ...process.env, KUBECONFIG: join(folder, "none") }, timeout: 25_000 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out: out + err });
      },
    );
  });
}

const manifest = (models: string) => `apiVersion: sluice.dev/v1alpha1
kind: Route
metadata: { name: chat }
spec:
  models: ${models}
  targets: [{ name: a, providerRef: { name: p } }]
`;

test("plain HTTP is still served on the same port, for what runs on the same machine", async ({ skip }) => {
  skip(missing.length > 0, whySkipped);
  expect((await api.call("GET", "/readyz")).body).toBe("ok");
});

test("kubectl applies, gets, explains, describes, patches, watches, waits and deletes", { timeout: 120_000 }, async ({
  skip,
}) => {
  skip(missing.length > 0, whySkipped);
  const file = join(folder, "route.yaml");
  writeFileSync(file, manifest("[a]"));
  expect((await kubectl("apply", "-f", file)).out).toBe("route.sluice.dev/chat created\n");
  expect((await kubectl("apply", "-f", file)).out).toBe("route.sluice.dev/chat unchanged\n");
  writeFileSync(file, manifest("[a, b]"));
  expect((await kubectl("apply", "-f", file)).out).toBe("route.sluice.dev/chat configured\n");
  expect((await kubectl("apply", "--dry-run=server", "-f", file)).out).toContain("unchanged");

  expect((await kubectl("get", "srt")).out).toMatch(/NAME +READY +MODELS +AGE\s+chat +\S+ +a b/);
  expect((await kubectl("get", "routes.sluice.dev", "chat", "-o", "name")).out).toBe("route.sluice.dev/chat\n");
  expect((await kubectl("get", "sluice", "-A")).out).toContain("route.sluice.dev/chat");
  expect((await kubectl("get", "srt", "chat", "-o", "jsonpath={.spec.models[1]}")).out).toBe("b");
  expect((await kubectl("describe", "srt", "chat")).out).toMatch(/Kind: +Route/);
  expect((await kubectl("explain", "route.spec.targets.weight")).out).toMatch(/FIELD: weight/);
  expect((await kubectl("api-resources", "--api-group=sluice.dev")).out).toMatch(
    /routes +srt +sluice.dev\/v1alpha1 +true +Route/,
  );

  expect((await kubectl("patch", "srt", "chat", "--type", "merge", "-p", '{"spec":{"models":["c"]}}')).out).toContain(
    "patched",
  );
  expect(
    (
      await kubectl(
        "patch",
        "srt",
        "chat",
        "--type",
        "json",
        "-p",
        '[{"op":"add","path":"/spec/models/-","value":"d"}]',
      )
    ).out,
  ).toContain("patched");
  expect((await kubectl("get", "srt", "chat", "-o", "jsonpath={.spec.models}")).out).toBe('["c","d"]');
  expect((await kubectl("label", "srt", "chat", "team=search")).out).toContain("labeled");
  expect((await kubectl("get", "srt", "-l", "team=search", "-o", "name")).out).toBe("route.sluice.dev/chat\n");

  const watching = kubectl("get", "srt", "-w", "--request-timeout=3s");
  await vi.waitFor(async () => expect((await kubectl("annotate", "srt", "chat", "a=b", "--overwrite")).code).toBe(0));
  expect((await watching).out).toContain("chat");

  // A dry run shows the change and nothing else, and leaves the object where it is.
  writeFileSync(file, manifest("[c, e]"));
  const changed = (await kubectl("diff", "-f", file)).out.split("\n").filter((line) => /^[-+] /.test(line));
  expect(changed.map((line) => line.replace(/ +/, " "))).toEqual(["- - d", "+ - e"]);
  expect((await kubectl("delete", "srt", "chat", "--dry-run=server")).out).toContain("deleted (server dry run)");
  expect((await kubectl("get", "srt", "chat", "--sort-by=.spec.models[0]")).code).toBe(0);
  expect((await kubectl("api-resources", "-o", "name")).code).toBe(0);

  expect((await kubectl("delete", "srt", "chat")).out).toContain("deleted");
  expect(await kubectl("get", "srt", "chat")).toMatchObject({
    code: 1,
    out: 'Error from server (NotFound): routes.sluice.dev "chat" not found\n',
  });
});

test("kubectl's careless hands are told what to do", { timeout: 60_000 }, async ({ skip }) => {
  skip(missing.length > 0, whySkipped);
  const file = join(folder, "bad.yaml");
  writeFileSync(file, manifest("[a]").replace("models", "modles"));
  const refused = await kubectl("apply", "-f", file);
  expect(refused.code).toBe(1);
  expect(refused.out).toMatch(/spec\.modles.*models/);
  api.writeFile("owned.yaml", manifest("[x]").replace("chat", "owned"));
  await vi.waitFor(async () => expect((await kubectl("get", "srt", "owned")).code).toBe(0), { timeout: 20_000 });
  expect((await kubectl("delete", "srt", "owned")).out).toContain("owned.yaml");
  expect((await kubectl("apply", "--server-side", "-f", file)).out).toContain("leave out --server-side");
});
