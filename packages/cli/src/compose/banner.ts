/** What `up` prints once it serves: all that a newcomer needs, at most 14 lines. */

export type Ready = {
  readonly url: string;
  readonly admin: string;
  readonly folder: string;
  /** Only on the first start: nobody can show it again. */
  readonly key: string | undefined;
  readonly real: readonly string[];
  readonly simulated: readonly string[];
  readonly busyPorts: readonly number[];
  /** How this program is called from here: `./sluice`. */
  readonly command: string;
};

export function baseUrl(url: string): string {
  return `${url}/api/inference/`;
}

export function banner(ready: Ready, version: string): string {
  const { url, command, key } = ready;
  const moved = ready.busyPorts.length === 0 ? "" : `, as port ${ready.busyPorts.join(", ")} is busy`;
  const another = `another: ${command} keys create NAME`;
  const body = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}';
  return [
    `Sluice ${version} serves at ${url}${moved}`,
    `Admin API ${ready.admin}, resources ${ready.folder}/resources; Ctrl-C stops it`,
    `Providers: ${providers(ready)}`,
    "",
    `export OPENAI_BASE_URL=${baseUrl(url)}`,
    `export ANTHROPIC_BASE_URL=${baseUrl(url)}`,
    // As a line to paste, so that the key stands here once and what follows can use it.
    key === undefined
      ? `# the key: as shown at the first start; ${another}`
      : `export OPENAI_API_KEY=${key}; export ANTHROPIC_API_KEY=$OPENAI_API_KEY  # shown only now; ${another}`,
    "",
    `curl ${baseUrl(url)}v1/chat/completions -H 'content-type: application/json' \\`,
    `  -H "authorization: Bearer $OPENAI_API_KEY" -d '${body}'`,
    "",
    `Next: ${command} status`,
    `      ${command} get all`,
    `      ${command} keys create my-app --team search`,
  ].join("\n");
}

function providers({ real, simulated }: Ready): string {
  if (real.length === 0)
    return "all simulated, no key needed (OPENAI_API_KEY, ANTHROPIC_API_KEY or an Ollama would be used)";
  return [...real, ...simulated.map((name) => `${name} (simulated)`)].join(", ");
}
