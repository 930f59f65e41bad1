/** parseResource: any value from outside into a resource, or everything that is wrong with it. Never throws. */

import { z } from "zod";
import { type Kind, kinds, type Resource } from "../kinds.ts";
import { objectMeta, serverFields } from "../metadata.ts";
import { apiGroup, apiVersion } from "../resource.ts";
import { plainValue } from "./plain-value.ts";
import { type Breach, fieldPath, type Problem, type Segment, shown } from "./problem.ts";
import { schemaBreaches } from "./schema-breaches.ts";
import { secretsInClear } from "./secret-in-clear.ts";
import { suggestion } from "./suggest.ts";

/** The whole object of each kind, without what servers fill in. */
const objectSchemas: ReadonlyMap<Kind, z.ZodType> = new Map(
  kinds.map(({ kind, spec }) => [
    kind,
    z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata: objectMeta, spec }),
  ]),
);

export type Parsed =
  | { readonly resource: Resource; readonly problems?: undefined }
  | { readonly problems: readonly Problem[]; readonly resource?: undefined };

/** `path`: where the value lies in something larger (`items[3]`), put before each problem's path. */
export function parseResource(value: unknown, options: { path?: string } = {}): Parsed {
  const checked = checkResource(value);
  if (checked.kind === "valid") return { resource: checked.resource };
  return {
    problems: checked.breaches.map(({ segments, message, reason }) => ({
      path: [options.path ?? "", fieldPath(segments)].filter((part) => part !== "").join("."),
      message,
      reason,
    })),
  };
}

type Checked =
  | { readonly kind: "valid"; readonly resource: Resource }
  | { readonly kind: "invalid"; readonly breaches: readonly Breach[] };

/** The same with paths as segments, for readers that know the places of a text. */
export function checkResource(source: unknown): Checked {
  const plain = plainValue(source);
  if (plain.breaches.length > 0) return { kind: "invalid", breaches: plain.breaches };

  const value = withoutServerFields(plain.value);
  if (value === undefined) {
    return refuse([], `must be a resource: a map with apiVersion: ${apiVersion}, kind, metadata and spec`);
  }
  const headBreach = checkTypeNames(value);
  if (headBreach !== undefined) return { kind: "invalid", breaches: [headBreach] };

  const schema = objectSchemas.get(value.kind as Kind);
  if (schema === undefined) return refuse(["kind"], "is unknown");
  const secrets = secretsInClear(value);
  const parsed = schema.safeParse(value);
  if (parsed.success && secrets.length === 0) return { kind: "valid", resource: parsed.data as Resource };

  const found = parsed.success ? [] : schemaBreaches({ error: parsed.error, schema, value });
  // Where a secret stands, what else is wrong with the field does not matter.
  const secretPaths = new Set(secrets.map((breach) => fieldPath(breach.segments)));
  return {
    kind: "invalid",
    breaches: [...secrets, ...found.filter((breach) => !secretPaths.has(fieldPath(breach.segments)))],
  };
}

function refuse(segments: readonly Segment[], message: string): Checked {
  return { kind: "invalid", breaches: [{ segments, message, reason: "FieldValueInvalid" }] };
}

function withoutServerFields(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { status: _status, ...object } = value as Record<string, unknown>;
  const metadata = object.metadata;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return object;
  const kept = Object.entries(metadata).filter(([field]) => !(serverFields as readonly string[]).includes(field));
  return { ...object, metadata: Object.fromEntries(kept) };
}

/** apiVersion and kind come first: without them nothing is known about the rest. */
function checkTypeNames(value: Record<string, unknown>): Breach | undefined {
  const { apiVersion: version, kind } = value;
  const breach = (field: string, message: string, found: unknown): Breach => ({
    segments: [field],
    message: found === undefined ? `is required; ${message}` : message,
    reason: found === undefined ? "FieldValueRequired" : "FieldValueNotSupported",
  });

  if (kind === "Secret" && version === "v1") {
    return breach(
      "kind",
      "Secrets are not read here: put the value alone into a file secrets/NAMESPACE/NAME/KEY of mode 0600, beside the resources folder",
      kind,
    );
  }
  if (version !== apiVersion) {
    const other = typeof version === "string" && version.startsWith(`${apiGroup}/`);
    return breach("apiVersion", `must be ${apiVersion}${other ? ": this Sluice knows no other version" : ""}`, version);
  }
  const names = kinds.map((definition) => definition.kind);
  if (typeof kind === "string" && (names as readonly string[]).includes(kind)) return undefined;
  const hint = typeof kind === "string" ? ` "${shown(kind)}" is unknown${suggestion(kind, names)}` : "";
  return breach("kind", `must be one of ${names.join(", ")}${hint === "" ? "" : `;${hint}`}`, kind);
}
