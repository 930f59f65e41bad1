/** Resources as JSON or YAML: what kubectl prints, and what `apply` takes. */

import type { Manifest } from "../client/manifest.ts";

export async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

/** One object stays one object; several become a `List`, as tools expect that read kubectl's output. */
export async function objectsText(
  objects: readonly Manifest[],
  form: { format: "json" | "yaml"; single: boolean },
): Promise<string> {
  const value = form.single ? objects[0] : { apiVersion: "v1", items: objects, kind: "List", metadata: {} };
  return form.format === "json" ? JSON.stringify(value, null, 4) : yamlText(value);
}
