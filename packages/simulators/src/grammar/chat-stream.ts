/**
 * An automaton for OpenAI's chat stream, for tests of whatever writes one:
 *   role for each choice · deltas · finish for each choice · usage? · [DONE]
 */

/** Feed it every event; it answers what is wrong with the first that does not fit. `end` says what is missing. */
export type Grammar = {
  event(event: { name: string | undefined; data: string | undefined }): string | undefined;
  end(): string | undefined;
};

type Chunk = {
  id?: string;
  object?: string;
  choices?: { index: number; delta?: Delta; finish_reason?: string | null }[];
  usage?: object | null;
  error?: unknown;
};
type Delta = { role?: string; content?: string | null; tool_calls?: ToolDelta[] };
type ToolDelta = { index?: number; id?: string; type?: string; function?: { name?: string; arguments?: string } };
type Choice = { finished: boolean; tools: { arguments: string }[] };

export function chatStreamGrammar(asked: { choices: number; usage: boolean }): Grammar {
  const choices = new Map<number, Choice>();
  let id: string | undefined;
  let usageSeen = false;
  let done = false;
  const finished = () => choices.size === asked.choices && [...choices.values()].every((choice) => choice.finished);

  function chunkFault(chunk: Chunk): string | undefined {
    if (chunk.error) return "an error in a chunk";
    if (chunk.object !== "chat.completion.chunk") return `object is ${chunk.object}`;
    id ??= chunk.id;
    if (!chunk.id || chunk.id !== id) return `id is ${chunk.id}, not ${id}`;
    if (usageSeen) return "a chunk after the one with usage";
    if (chunk.choices?.length === 0) {
      if (!asked.usage) return "a usage chunk that nobody asked for";
      if (!finished()) return "usage before every choice had finished";
      if (!chunk.usage) return "the usage chunk has no usage";
      usageSeen = true;
      return undefined;
    }
    if (asked.usage && chunk.usage !== null) return "usage is not null before the usage chunk";
    if (!asked.usage && "usage" in chunk) return "usage that nobody asked for";
    for (const choice of chunk.choices ?? []) {
      const fault = choiceFault(choice.index, choice.delta ?? {}, choice.finish_reason ?? null);
      if (fault !== undefined) return `choice ${choice.index}: ${fault}`;
    }
    return chunk.choices === undefined ? "no choices" : undefined;
  }

  function choiceFault(index: number, delta: Delta, reason: string | null): string | undefined {
    if (!(index >= 0 && index < asked.choices)) return "its index was not asked for";
    const choice = choices.get(index);
    if (choice === undefined) {
      choices.set(index, { finished: false, tools: [] });
      return delta.role === "assistant" && reason === null ? undefined : "its first delta has no role";
    }
    if (choice.finished) return "a delta after its finish";
    if (delta.role !== undefined) return "a second role";
    for (const tool of delta.tool_calls ?? []) {
      const fault = toolFault(choice.tools, tool);
      if (fault !== undefined) return fault;
    }
    if (reason === null) return undefined;
    choice.finished = true;
    // A length cuts anything.
    if (reason === "length") return undefined;
    if ((reason === "tool_calls") !== choice.tools.length > 0)
      return `finish_reason is ${reason} with ${choice.tools.length} tool calls`;
    return choice.tools.every((tool) => isJson(tool.arguments)) ? undefined : "a tool's arguments are not JSON";
  }

  return {
    event({ name, data }) {
      if (done) return "an event after [DONE]";
      if (name !== undefined) return `an event with the name ${name}`;
      if (data === undefined) return undefined;
      if (data === "[DONE]") {
        done = true;
        if (!finished()) return "[DONE] before every choice had finished";
        return asked.usage && !usageSeen ? "[DONE] before usage" : undefined;
      }
      return isJson(data) ? chunkFault(JSON.parse(data) as Chunk) : "data is not JSON";
    },
    end: () => (done ? undefined : "no [DONE]"),
  };
}

function toolFault(tools: Choice["tools"], tool: ToolDelta): string | undefined {
  const { index } = tool;
  if (index === undefined || index > tools.length) return `tool index ${index} after ${tools.length} tools`;
  const known = tools[index];
  if (known === undefined) {
    if (!tool.id || tool.type !== "function" || !tool.function?.name)
      return "a tool's first delta lacks id, type or name";
    tools.push({ arguments: tool.function.arguments ?? "" });
    return undefined;
  }
  if (tool.id !== undefined || tool.function?.name !== undefined) return "a tool's id or name twice";
  known.arguments += tool.function?.arguments ?? "";
  return undefined;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
