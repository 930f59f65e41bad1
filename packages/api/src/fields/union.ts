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
