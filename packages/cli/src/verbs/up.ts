/** `sluice up`: both planes and the simulator in this process, until Ctrl-C. */

import { join, relative } from "node:path";
import { Command, Option } from "commander";
import { banner, baseUrl, type Ready } from "../compose/banner.ts";
import { readUpSettings, type UpFlags } from "../compose/environment.ts";
import { isLoopback } from "../compose/ports.ts";
import { version } from "../version.ts";

type Options = UpFlags & { quiet?: boolean; output: "text" | "json" };

/** A terminal's Ctrl-C may arrive twice, once from the terminal and once passed on by npm; a person's second one comes later. */
const sameKeystrokeMs = 250;
/** What is not closed by then is left to the next start, which heals it as after a crash. */
const closeMsMax = 900;

export function upCommand(): Command {
  return new Command("up")
    .description("Start the gateway here: data plane, control plane and simulated providers in one process")
    .option("--data-dir <folder>", "where all is kept (SLUICE_DATA_DIR; ./.sluice)")
    .option("--listen <address>", "the gateway's address (SLUICE_LISTEN; 127.0.0.1:4141)")
    .option("--admin-listen <address>", "the admin API's address (SLUICE_ADMIN_LISTEN; 127.0.0.1:4142)")
    .option("--log-level <level>", "debug, info, warn or error (SLUICE_LOG_LEVEL; warn)")
    .option("-q, --quiet", "print nothing but warnings")
    .addOption(new Option("-o, --output <form>", "how to say that it serves").choices(["text", "json"]).default("text"))
    .action(up);
}

async function up(options: Options): Promise<void> {
  const settings = readUpSettings(options);
  const stop = stopSignal();
  for (const address of [settings.listen, settings.adminListen])
    if (address !== undefined && !isLoopback(address))
      process.stderr.write(
        `sluice: warning: ${address.host}:${address.port} is open to other machines, and without TLS: keys and prompts can be read on the way\n`,
      );

  const { composeUp } = await import("../compose/up.ts");
  const running = await composeUp(settings, stop);
  if (running !== undefined) {
    if (options.quiet !== true) console.log(announcement(running.ready, options.output));
    await aborted(stop);
    await Promise.race([running.close(), pause(closeMsMax)]);
  }
  // Nothing is left to do, and a socket that a client holds open must not keep the process.
  process.exit(0);
}

function announcement(ready: Omit<Ready, "command">, output: Options["output"]): string {
  if (output === "text") return banner({ ...ready, command: commandName() }, version);
  const { url, admin, folder, key, real, simulated } = ready;
  return JSON.stringify({ version, pid: process.pid, url, baseUrl: baseUrl(url), admin, folder, key, real, simulated });
}

/** From a checkout the command is a file at its root; a bundle is on the PATH. */
function commandName(): string {
  if (!import.meta.filename.endsWith(join("src", "verbs", "up.ts"))) return "sluice";
  const path = join(import.meta.dirname, "../../../../sluice");
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : `./${near}`;
}

/** Aborted by the first SIGINT or SIGTERM; the second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const onSignal = () => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      controller.abort();
    } else if (now - firstAt > sameKeystrokeMs) process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
