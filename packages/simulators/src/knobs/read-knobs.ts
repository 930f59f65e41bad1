/**
 * Reads a call's knobs: from its model name (`gpt-4o@status-429@retry-after-2`), from `x-simulate: status=429,retry-after=2`.
 * The name is for callers behind a gateway, which forwards no header it does not know.
 */

import { flagKnobs, type Knobs, KnobUnknown, numberKnobs } from "./knobs.ts";

/** The name without its knobs, and the knobs. A segment that starts with a digit is part of the name, as in `claude-3@20240620`. */
export function knobsOfModel(text: string): { model: string; knobs: Knobs } {
  if (!text.includes("@")) return { model: text, knobs: {} };
  const [name = "", ...segments] = text.split("@");
  let model = name;
  let knobs: Knobs = {};
  for (const segment of segments) {
    if (/^\d/.test(segment)) {
      model += `@${segment}`;
      continue;
    }
    const dash = segment.lastIndexOf("-");
    const bare = bareKnob(segment);
    if (bare !== undefined) knobs = { ...knobs, ...bare };
    else if (dash > 0) knobs = { ...knobs, ...numberKnob(segment.slice(0, dash), segment.slice(dash + 1)) };
    else throw new KnobUnknown(segment);
  }
  return { model, knobs };
}

export function knobsOfHeader(header: string | undefined): Knobs {
  let knobs: Knobs = {};
  for (const part of header?.split(",") ?? []) {
    const text = part.trim();
    if (text === "") continue;
    const equals = text.indexOf("=");
    if (equals > 0) {
      knobs = { ...knobs, ...numberKnob(text.slice(0, equals).trim(), text.slice(equals + 1).trim()) };
      continue;
    }
    const bare = bareKnob(text);
    if (bare === undefined) throw new KnobUnknown(text);
    knobs = { ...knobs, ...bare };
  }
  return knobs;
}

function bareKnob(name: string): Knobs | undefined {
  if ((flagKnobs as readonly string[]).includes(name)) return { [name]: true };
  const meant = Object.hasOwn(numberKnobs, name) ? numberKnobs[name as keyof typeof numberKnobs] : undefined;
  return meant === undefined ? undefined : { [name]: meant };
}

function numberKnob(name: string, digits: string): Knobs {
  if (!Object.hasOwn(numberKnobs, name) || !/^\d{1,9}(\.\d{1,3})?$/.test(digits))
    throw new KnobUnknown(`${name}=${digits}`);
  return { [name]: Number(digits) };
}
