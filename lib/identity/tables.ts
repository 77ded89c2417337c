/** The `[identity.NAME]` and `[trust.NAME]` tables that rows of a configuration name. Reads none of their files. */
import type { Config } from "../command/define.ts";
import type { PortailError } from "../command/errors.ts";
import { parseIdentityFlags, type IdentitySources } from "./flags.ts";

type Tables = Pick<Config["tables"], "identity" | "trust">;
/** What is thrown for a table that is not there. */
type Invalid = (message: string, hint: string) => PortailError;

export const NO_TRUST: IdentitySources["trust"] = { cacert: [], crl: [] };

const NO_FLAGS = {
  cert: undefined,
  key: undefined,
  keystore: undefined,
  storepass: undefined,
  "storepass-file": undefined,
  cacert: [],
  crl: [],
};

/** Throws PortailError for a table that is not there, or holds half an identity. */
export function identityOfTable(tables: Tables, name: string, invalid: Invalid): IdentitySources["identity"] {
  return parseIdentityFlags({ ...NO_FLAGS, ...named(tables.identity, "identity", name, invalid) }).identity;
}

/** Throws PortailError for a table that is not there. */
export function trustOfTable(tables: Tables, name: string, invalid: Invalid): IdentitySources["trust"] {
  return { ...NO_TRUST, ...named(tables.trust, "trust", name, invalid) };
}

function named<T>(table: ReadonlyMap<string, T>, kind: string, name: string, invalid: Invalid): T {
  const found = table.get(name);
  if (found !== undefined) return found;
  const hint = table.size === 0 ? `write [${kind}.${name}]` : `there are ${[...table.keys()].join(", ")}`;
  throw invalid(`there is no table [${kind}.${name}]`, hint);
}
