/** What usage can be grouped and chosen by, as SQL over `usage u`. Names that are not listed here never reach a statement. */

import type { LimitSelector } from "@sluice/contract";
import { noValue } from "@sluice/contract";
import { type SQL, sql } from "drizzle-orm";

/** The words of reports. */
const columns: Readonly<Record<string, SQL>> = {
  team: sql`u.team`,
  service: sql`u.service`,
  user: sql`u.user_name`,
  key: sql`u.key_name`,
  namespace: sql`u.namespace`,
  model: sql`u.model`,
  upstreamModel: sql`u.upstream_model`,
  provider: sql`u.provider`,
  route: sql`u.route`,
  claimedUser: sql`u.claimed_user`,
  run: sql`u.run`,
};
const metadataPrefix = /^metadata\//i;

export function dimensionOf(name: string): SQL {
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column !== undefined) return column;
  if (metadataPrefix.test(name)) return sql`(u.metadata ->> ${name.replace(metadataPrefix, "")})`;
  throw new Error(`Usage has no ${JSON.stringify(name)} to be grouped by`);
}

/** The words of limits. As data planes read them: who a key belongs to goes before what a call claims. */
function limitDimensionOf(name: string): SQL {
  if (name === "User") return sql`coalesce(u.user_name, u.claimed_user)`;
  if (name === "Metadata/run") return sql`coalesce(u.metadata ->> 'run', u.run)`;
  if (name.startsWith("Metadata/")) return dimensionOf(name);
  return dimensionOf(name.toLowerCase());
}

/** The value, or the one that stands for none. */
export function limitValueOf(name: string): SQL {
  return sql`coalesce(${limitDimensionOf(name)}, ${noValue})`;
}

/** Records that a limit's selector matches. */
export function selected(selector: LimitSelector, namespace: string | undefined): SQL {
  const parts: SQL[] = [];
  if (namespace !== undefined) parts.push(sql`u.namespace = ${namespace}`);
  const lists = {
    ...{ Team: selector.teams, Service: selector.services, User: selector.users, Key: selector.keys },
    ...{ Provider: selector.providers, Route: selector.routes },
  };
  for (const [name, allowed] of Object.entries(lists))
    if (allowed !== undefined) parts.push(sql`${limitDimensionOf(name)} = any(${texts(allowed)})`);
  if (selector.models !== undefined) parts.push(modelIsOneOf(selector.models));
  for (const [name, value] of Object.entries(selector.metadata ?? {}))
    parts.push(sql`${limitDimensionOf(`Metadata/${name}`)} = ${value}`);
  return parts.length === 0 ? sql`true` : sql.join(parts, sql` and `);
}

function modelIsOneOf(models: readonly string[]): SQL {
  const matches = models.map((model) =>
    model.endsWith("*") ? sql`starts_with(u.model, ${model.slice(0, -1)})` : sql`u.model = ${model}`,
  );
  return matches.length === 0 ? sql`false` : sql`(${sql.join(matches, sql` or `)})`;
}

/** The texts of a JSON array: an array parameter is not the same on both databases. */
export function texts(values: readonly string[]): SQL {
  return sql`array(select jsonb_array_elements_text(${JSON.stringify(values)}::text::jsonb))`;
}

/** All that was read, cached or not; and all that was written. */
export const inputTokens = sql`(coalesce(u.input_tokens, 0) + coalesce(u.input_audio_tokens, 0)
  + coalesce(u.input_image_tokens, 0) + coalesce(u.cache_read_tokens, 0) + coalesce(u.cache_write_5m_tokens, 0)
  + coalesce(u.cache_write_1h_tokens, 0) + coalesce(u.cache_write_other_tokens, 0))`;
export const outputTokens = sql`(coalesce(u.output_tokens, 0) + coalesce(u.output_reasoning_tokens, 0)
  + coalesce(u.output_audio_tokens, 0) + coalesce(u.output_image_tokens, 0))`;

/** Exchanges that a record stands for. */
export const exchanges = sql`coalesce(u.folded, 1)`;
