/** The forms that `-o` names. */

import { InvalidArgumentError } from "commander";

const formats = ["table", "wide", "json", "yaml", "name"] as const;
export type Format = (typeof formats)[number];

export function parseFormat(word: string): Format {
  const format = formats.find((candidate) => candidate === word);
  if (format === undefined) throw new InvalidArgumentError(`Allowed are ${formats.join(", ")}.`);
  return format;
}
