import { join } from "node:path";
import { expect, test } from "vitest";
import { sluice, startUp, withFolder } from "./sluice-process.ts";

test("the built bundle serves from a folder of its own, without node_modules", async () => {
  await withFolder(async (folder) => {
    const dist = join(folder, "dist");
    const built = await sluice([dist], { cwd: folder, script: join(import.meta.dirname, "../build.ts") });
    expect(built).toMatchObject({ code: 0, stderr: "" });

    const script = join(dist, "sluice.mjs");
    const { stdout } = await sluice(["--version"], { cwd: folder, script });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);

    const { running, announced } = await startUp(folder, { script });
    await using _running = running;
    const models = await fetch(`${announced.baseUrl}v1/models`, {
      headers: { authorization: `Bearer ${announced.key}` },
    });
    expect(models.status).toBe(200);
    expect(await running.stop("SIGINT")).toMatchObject({ code: 0, stderr: "" });
  });
});
