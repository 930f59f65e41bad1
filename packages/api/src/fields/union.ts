/** Unions as Kubernetes has them: a required `type`, an optional member per variant, and exactly the member named by `type`. */

import type { z } from "zod";
import { withRule } from "./rule.ts";

/** `members`: for each value of `type`, its member, or undefined where the variant has none. */
export function memberByType<Schema extends z.ZodType<{ type: string }>>(
  schema: Schema,
  members: Readonly<Record<string, string | undefined>>,
): Schema {
  let checked = schema;
  for (const [type, member] of Object.entries(members)) {
    if (member === undefined) continue;
    checked = withRule(checked, {
      cel: `self.type == '${type}' ? has(self.${member}) : !has(self.${member})`,
      message: `${member} must be set when type is ${type}, and only then`,
      holds: (value) => (value.type === type) === member in value,
      path: [member],
    });
  }
  return checked;
}

/** Exactly one of some optional members; which of them says what is meant, so there is no `type`. */
export function exactlyOne<Schema extends z.ZodObject>(schema: Schema, members: readonly string[]): Schema {
  return withRule(schema, {
    cel: `[${members.map((member) => `has(self.${member})`).join(", ")}].filter(x, x).size() == 1`,
    message: `exactly one of ${members.join(", ")} must be set`,
    holds: (value) => members.filter((member) => value[member] !== undefined).length === 1,
  });
}
