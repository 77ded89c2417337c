/** A `set` item: its entries read as names, hosts, numbers or addresses, each once, when a condition first asks. Not opening files. */
import type { Cidr } from "../../wire/ip.ts";
import { parseCidr } from "../../wire/ip.ts";
import { canonicalHost } from "../../wire/host.ts";
import type { ListLiteral } from "../ast.ts";
import type { Diagnostics } from "../diagnostic.ts";
import { type AddressSet, addressSet, type NameSet, type NumberSet } from "../sets.ts";
import { Source } from "../source.ts";
import { NameTable } from "../tables/name-table.ts";
import { shorten } from "../parser/cursor.ts";
import { decodeUtf8, entriesOf, hostNamesOf, isPlainHost } from "../set-file.ts";
import { addressesOf, hostsOf, numbersOf, textsOf } from "./list.ts";
import type { Context } from "./context.ts";

export interface NamedSet {
  hosts(): NameSet | undefined;
  texts(): NameSet | undefined;
  numbers(): NumberSet | undefined;
  addresses(): AddressSet | undefined;
}

/** A set written in the policy file; `context` is that of its own file. */
export function listSet(label: string, list: ListLiteral, context: Context): NamedSet {
  return {
    hosts: once(() => hostsOf(list, context, label)),
    texts: once(() => textsOf(list, context, label)),
    numbers: once(() => numbersOf(list, context)),
    addresses: once(() => addressesOf(list, context, label)),
  };
}

/** A line of a long list has some 2^5 bytes: a table of about the right size from the start is not built anew as it grows. */
const AVERAGE_BITS = 5;

/** A set in a file of its own. The bytes are let go once the sets are made. */
export function fileSet(
  label: string,
  kind: "lines" | "hosts",
  path: string,
  bytes: Uint8Array,
  diagnostics: Diagnostics,
  sources: Map<string, Source>,
): NamedSet {
  const source = once(() => {
    const made = new Source(path, new TextDecoder().decode(bytes));
    sources.set(path, made);
    return made;
  });
  const bad = (start: number, end: number, message: string, hint?: string): void => {
    // Offsets are in bytes; the source counts UTF-16 units.
    const at = new TextDecoder().decode(bytes.subarray(0, start)).length;
    diagnostics.error("acl.bad_set_entry", source(), { start: at, end: at + end - start }, { message, hint });
  };
  const text = (from: number, to: number) => decodeUtf8(bytes.subarray(from, to)) ?? "\ufffd";
  const entries = kind === "lines" ? entriesOf : hostNamesOf;
  return {
    hosts: once(() => {
      const table = new NameTable(bytes.length >> AVERAGE_BITS);
      entries(bytes, (from, to) => {
        if (diagnostics.full) return;
        if (isPlainHost(bytes, from, to)) return void table.addBytes(bytes, from, to);
        const raw = text(from, to);
        const canonical = canonicalHost(raw);
        if (canonical.error === undefined) return void table.add(canonical.host);
        const hint = raw.startsWith("*.") ? `write "${raw.slice(2)}" and use "under"` : canonical.error;
        bad(from, to, `"${shorten(raw)}" is no host`, hint);
      });
      table.trim();
      return { table, names: undefined, label };
    }),
    texts: once(() => {
      const table = new NameTable();
      entries(bytes, (from, to) => void table.add(text(from, to)));
      table.trim();
      return { table, names: undefined, label };
    }),
    numbers: () => undefined,
    addresses: once(() => {
      const networks: Cidr[] = [];
      entries(bytes, (from, to) => {
        if (diagnostics.full) return;
        const network = parseCidr(text(from, to));
        if (network === undefined) bad(from, to, `"${shorten(text(from, to))}" is neither an address nor a network`);
        else networks.push(network);
      });
      return addressSet(networks, label);
    }),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
