/** The table: a row for each flag of `portail tunnel server` and `client`. A flag without a row does not compile. */
import type { clientArgs, serverArgs } from "../../../../../commands/tunnel/flags.ts";
import { identityRows } from "./identity.ts";
import { processRows } from "./process.ts";
import { refusedRows } from "./refused.ts";
import type { Row } from "./row.ts";
import { tlsRows } from "./tls.ts";
import { whereRows } from "./where.ts";
import { whoRows } from "./who.ts";

export const FLAG_ROWS: Record<keyof typeof serverArgs | keyof typeof clientArgs, Row> = {
  ...whereRows,
  ...identityRows,
  ...whoRows,
  ...tlsRows,
  ...processRows,
  ...refusedRows,
};
