/** Whether an Ollama runs on its usual port, and which models it has. */

const address = "http://127.0.0.1:11434";
/**
 * It answers from memory within a few milliseconds, or it is not there; a start must not wait for it: 300 ms, counted in ticks,
 * as the start itself keeps the event loop busy meanwhile and would eat a single timer.
 */
const ticksMax = 6;
const tickMs = 50;
const modelsMax = 64;

export type Ollama = { readonly baseUrl: string; readonly models: readonly string[] };

export async function findOllama(): Promise<Ollama | undefined> {
  const giveUp = new AbortController();
  void ticks(giveUp.signal).then(() => giveUp.abort());
  try {
    const response = await fetch(`${address}/api/tags`, { signal: giveUp.signal });
    const answer: unknown = await response.json();
    const models = modelNames(answer);
    return response.ok && models.length > 0 ? { baseUrl: `${address}/v1`, models } : undefined;
  } catch {
    return undefined;
  } finally {
    giveUp.abort();
  }
}

async function ticks(until: AbortSignal): Promise<void> {
  for (let tick = 0; tick < ticksMax && !until.aborted; tick++)
    await new Promise((resolve) => setTimeout(resolve, tickMs).unref());
}

/** `llama3.2:latest` is also called `llama3.2`. */
function modelNames(answer: unknown): string[] {
  if (answer === null || typeof answer !== "object" || !("models" in answer) || !Array.isArray(answer.models))
    return [];
  const names = answer.models.flatMap((model: unknown) =>
    model !== null && typeof model === "object" && "name" in model && typeof model.name === "string"
      ? [model.name]
      : [],
  );
  const short = names.filter((name) => name.endsWith(":latest")).map((name) => name.slice(0, -":latest".length));
  return [...new Set([...names, ...short])].slice(0, modelsMax);
}
