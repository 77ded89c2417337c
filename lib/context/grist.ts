/** The URL of Grist's REST API that finds a row of a table by a column. What it answers is read by web-source.ts. */

interface GristTable {
  readonly document: string;
  readonly table: string;
  /** The column that is compared with the key. */
  readonly column: string;
  /** The fact that is the key. */
  readonly key: string;
}

/**
 * `GET /api/docs/{docId}/tables/{tableId}/records?filter={"Column":["value"]}` of the server at `base`, as a template for
 * lib/context/url-template.ts. Two rows are asked for, so that it shows when there is more than one.
 */
export function gristUrl(base: string, { document, table, column, key }: GristTable): string {
  const [docId, tableId, name] = [document, table, JSON.stringify(column)].map(encodeURIComponent);
  const records = `${base.replace(/\/+$/, "")}/api/docs/${docId}/tables/${tableId}/records`;
  return `${records}?filter={{${name}:[{${key}:json}]}}&limit=2`;
}
