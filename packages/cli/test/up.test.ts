import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SluiceProcess, sluice, startUp, withFolder } from "./sluice-process.ts";

function chat(baseUrl: string, key: string, model = "gpt-4o-mini"): Promise<Response> {
  return fetch(`${baseUrl}v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
}

test("a first start serves with the key that it shows, and keeps all in a folder of its owner's", async () => {
  await withFolder(async (cwd) => {
    const { running, announced } = await startUp(cwd);
    await using _running = running;
    expect(announced).toMatchObject({ folder: join(cwd, ".sluice"), simulated: ["openai", "anthropic"] });
    expect((await chat(announced.baseUrl, announced.key ?? "")).status).toBe(200);
    expect((await chat(announced.baseUrl, announced.key ?? "", "any-other-name")).status).toBe(200);
    expect((await chat(announced.baseUrl, "sk-sluice-wrong")).status).toBe(401);

    const folder = join(cwd, ".sluice");
    expect(readdirSync(join(folder, "resources")).sort()).toEqual([
      ...["gateway.yaml", "key.yaml", "limits.yaml", "routes.yaml"],
    ]);
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe("*\n");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of ["sealing.key", "admin.token"]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "resources/key.yaml"), "utf8")).not.toContain(announced.key);
  });
});

test("Ctrl-C ends it cleanly, and the next start knows the key but does not show it", async () => {
  await withFolder(async (cwd) => {
    const first = await startUp(cwd);
    const key = first.announced.key ?? "";
    expect(await first.running.stop("SIGINT")).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(join(cwd, ".sluice/up.json"))).toBe(false);

    const next = await startUp(cwd);
    await using running = next.running;
    expect(next.announced.key).toBeUndefined();
    expect((await chat(next.announced.baseUrl, key)).status).toBe(200);
    expect(await running.stop("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
  });
});

test("the banner fits 14 lines and holds what to export, the key, a curl and the next commands", async () => {
  await withFolder(async (cwd) => {
    await using running = new SluiceProcess(["up"], { cwd });
    const text = await running.said("keys create my-app");
    const url = /serves at (http:\S+\d)/.exec(text)?.[1];
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(14);
    expect(text).toContain(`\nexport OPENAI_BASE_URL=${url}/api/inference/\n`);
    expect(text).toContain(`\nexport ANTHROPIC_BASE_URL=${url}/api/inference/\n`);
    expect(text).toMatch(/sk-sluice-[0-9A-Za-z]{49}/);
    expect(text).toMatch(/^curl /m);
  });
});

test("a second start on the same folder says that one runs already, and where", async () => {
  await withFolder(async (cwd) => {
    const { running, announced } = await startUp(cwd);
    await using _running = running;
    const { code, stderr } = await sluice(["up"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(String(announced.pid));
    expect(stderr).toContain(announced.url);
  });
});

test("after a kill -9 the next start heals", async () => {
  await withFolder(async (cwd) => {
    const first = await startUp(cwd);
    await first.running.stop("SIGKILL");
    expect(existsSync(join(cwd, ".sluice/up.lock"))).toBe(true);
    const next = await startUp(cwd);
    await using _running = next.running;
    expect((await chat(next.announced.baseUrl, first.announced.key ?? "")).status).toBe(200);
  });
});

test("a busy port moves both by ten, and the banner says so", async () => {
  const blocker = await listen(4141);
  try {
    await withFolder(async (cwd) => {
      await using running = new SluiceProcess(["up"], { cwd });
      const text = await running.said("keys create my-app");
      const [, port] = /serves at http:\/\/127\.0\.0\.1:(\d+), as port ([\d, ]*)\b4141\b/.exec(text) ?? [];
      expect(Number(port) % 10).toBe(1);
      expect(text).toContain(`Admin API http://127.0.0.1:${Number(port) + 1}`);
    });
  } finally {
    blocker?.close();
  }
});

test("a busy address that was asked for is refused, not moved", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const address = blocker.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  await withFolder(async (cwd) => {
    const { code, stderr } = await sluice(["up", "--listen", `127.0.0.1:${port}`], { cwd });
    expect(code).toBe(1);
    expect(stderr).toBe(`sluice: can't listen on 127.0.0.1:${port}: another program listens there\n`);
  });
  blocker.close();
});

test("all mistakes of a configuration are told at once, without the values of secrets", async () => {
  await withFolder(async (cwd) => {
    const env = { SLUICE_LISTEN: "nowhere", DATABASE_URL: "mysql://me:secret@host/x", NATS_URL: "nats://127.0.0.1" };
    const { code, stderr } = await sluice(["up", "--log-level", "loud"], { cwd, env });
    expect(code).toBe(1);
    for (const name of ["SLUICE_LISTEN", "DATABASE_URL", "NATS_URL", "--log-level"]) expect(stderr).toContain(name);
    expect(stderr).not.toContain("secret");
    expect(existsSync(join(cwd, ".sluice"))).toBe(false);
  });
});

test("a database that can't be reached is named, without its password", async () => {
  await withFolder(async (cwd) => {
    const env = { DATABASE_URL: "postgresql://me:secret@127.0.0.1:2/sluice" };
    const { code, stdout, stderr } = await sluice(["up"], { cwd, env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^sluice: can't use the database of DATABASE_URL\. .*ECONNREFUSED/);
    expect(stderr).not.toMatch(/secret|^\s+at /m);
  });
});

test("an Ollama on its usual port is used for the models it has", async (context) => {
  const ollama = createHttpServer((request, response) => {
    const models = { models: [{ name: "llama3.2:latest" }, { name: "qwen3:8b" }] };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url === "/api/tags" ? models : { model: "llama3.2", choices: [] }));
  });
  const isFree = await new Promise((resolve) => {
    ollama.once("error", () => resolve(false)).listen(11_434, "127.0.0.1", () => resolve(true));
  });
  if (!isFree) context.skip("port 11434 is in use on this machine");
  try {
    await withFolder(async (cwd) => {
      const { running, announced } = await startUp(cwd);
      await using _running = running;
      expect(announced.real).toEqual(["ollama (3 models)"]);
      const answer = await chat(announced.baseUrl, announced.key ?? "", "llama3.2");
      expect(await answer.json()).toMatchObject({ model: "llama3.2" });
    });
  } finally {
    ollama.close();
  }
});

test("a key in the environment is used for that vendor's names, named, and written nowhere", async () => {
  await withFolder(async (cwd) => {
    const env = { OPENAI_API_KEY: "sk-canary-of-this-test" };
    const { running, announced } = await startUp(cwd, { env });
    await using _running = running;
    expect(announced.real).toContain("openai (OPENAI_API_KEY)");
    expect(announced.simulated).toEqual(["anthropic"]);
    const provider = await sluice(["get", "provider", "openai", "-o", "yaml"], { cwd });
    expect(provider.stdout).toContain("env-openai");
    for (const entry of readdirSync(join(cwd, ".sluice"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      expect(readFileSync(path).includes("sk-canary-of-this-test"), path).toBe(false);
    }
  });
});

/** Undefined: someone else has it, which serves as well. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
