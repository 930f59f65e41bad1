/** The parts of one server-sent event. */

/** `name`: of its `event:` line, or undefined. `data`: its `data:` lines, joined by LF; undefined when it has none (a comment). */
export type EventParts = { readonly name: string | undefined; readonly data: string | undefined };

export function eventParts(event: Buffer): EventParts {
  let name: string | undefined;
  let data: string | undefined;
  for (const line of event.toString("utf8").split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (line.startsWith("event:")) name = value;
    else if (line.startsWith("data:")) data = data === undefined ? value : `${data}\n${value}`;
  }
  return { name, data };
}

/** The JSON object in an event's data, or undefined when it holds none. */
export function eventObject(event: Buffer): Record<string, unknown> | undefined {
  return parseObject(eventParts(event).data);
}

/** A JSON object from its text, or undefined when it is anything else. */
export function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined || !text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
