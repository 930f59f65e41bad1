/** The server's own table (`kubectl get` shows the same one) as text. */

import type { Table } from "../client/admin-client.ts";
import { columns } from "./columns.ts";

/** `prefix` goes before each name, where several kinds are shown: `route.sluice.dev/`. */
export function tableText(
  tables: readonly Table[],
  how: { wide: boolean; withNamespace: boolean; prefix: string },
): string {
  const definitions = tables[0]?.columnDefinitions ?? [];
  const shown = definitions.flatMap(({ priority }, column) => (how.wide || (priority ?? 0) === 0 ? [column] : []));
  const headings = shown.map((column) => definitions[column]?.name ?? "");
  const nameColumn = definitions.findIndex(({ name }) => name.toLowerCase() === "name");

  const rows = tables.flatMap(({ rows }) =>
    rows.map(({ cells, object }) => {
      const texts = shown.map((column) => (column === nameColumn ? how.prefix : "") + cellText(cells[column]));
      return how.withNamespace ? [object.metadata.namespace ?? "", ...texts] : texts;
    }),
  );
  return columns(how.withNamespace ? ["Namespace", ...headings] : headings, rows);
}

function cellText(cell: unknown): string {
  return cell === null || cell === undefined || cell === "" ? "<none>" : String(cell);
}
