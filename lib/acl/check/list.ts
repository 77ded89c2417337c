/** Lists read as sets of one type, with each entry of another type reported. Not named sets. */
import { canonicalHost, isPlainName } from "../../wire/host.ts";
import { type Cidr, formatCidr, formatIp, parseCidr, parseCidrLoosely } from "../../wire/ip.ts";
import type { AddressLiteral, ListLiteral, NumberLiteral, RangeLiteral, StringLiteral } from "../ast.ts";
import type { Span } from "../diagnostic.ts";
import { shorten } from "../parser/cursor.ts";
import { type AddressSet, addressSet, MAX_KEPT, type NameSet, nameSet, type NumberSet } from "../sets.ts";
import { NameTable } from "../tables/name-table.ts";
import type { Context } from "./context.ts";

type Item = StringLiteral | NumberLiteral | AddressLiteral | RangeLiteral;

export function hostsOf({ items }: ListLiteral, context: Context, label?: string): NameSet | undefined {
  const { text } = context.source;
  const table = new NameTable(items.length);
  const names: string[] | undefined = items.length > MAX_KEPT ? undefined : [];
  for (const item of items) {
    if (item.kind !== "string" && item.kind !== "address") return wrongItem(item, context, "hosts in double quotes");
    // Of a million hosts nearly all are canonical: they go from the file to the table without being texts of their own.
    if (item.kind === "string" && !item.escaped && isPlainName(text, item.start + 1, item.end - 1)) {
      table.addSlice(text, item.start + 1, item.end - 1);
      names?.push(item.value);
      continue;
    }
    const name = hostLiteral(item, context);
    if (name === undefined) continue;
    table.add(name);
    names?.push(name);
  }
  table.trim();
  return { table, names, label };
}

export function textsOf(list: ListLiteral, context: Context, label?: string): NameSet | undefined {
  const names: string[] = [];
  for (const item of list.items) {
    if (item.kind !== "string") return wrongItem(item, context, "strings");
    names.push(item.value);
  }
  return nameSet(names, label);
}

export function numbersOf(list: ListLiteral, context: Context): NumberSet | undefined {
  const values = new Set<number | bigint>();
  const ranges: { low: number; high: number }[] = [];
  for (const item of list.items) {
    if (item.kind === "number") values.add(item.value);
    else if (item.kind === "range") ranges.push({ low: item.low, high: item.high });
    else return wrongItem(item, context, "numbers and ranges");
  }
  return { values, ranges };
}

export function addressesOf(list: ListLiteral, context: Context, label?: string): AddressSet | undefined {
  const networks: Cidr[] = [];
  for (const item of list.items) {
    if (item.kind !== "address" && item.kind !== "string") return wrongItem(item, context, "addresses and networks");
    const network = networkLiteral(item.kind === "address" ? item.text : item.value, item, context);
    if (network !== undefined) networks.push(network);
  }
  return addressSet(networks, label);
}

/** A network literal; host bits below the mask are reported with the network that was probably meant. */
export function networkLiteral(text: string, span: Span, context: Context): Cidr | undefined {
  const network = parseCidr(text);
  if (network !== undefined) return network;
  const loose = parseCidrLoosely(text);
  const hint = loose === undefined ? undefined : `write ${formatCidr(loose)}`;
  const message =
    loose === undefined
      ? `"${shorten(text)}" is neither an address nor a network`
      : `the network "${shorten(text)}" has bits set below its mask`;
  return context.error("acl.bad_address", span, { message, hint });
}

/** The canonical form of a host that a policy names. What can never be a host stays as it is: it just never matches. */
export function hostLiteral(item: StringLiteral | AddressLiteral, context: Context): string | undefined {
  if (item.kind === "address") {
    const network = networkLiteral(item.text, item, context);
    if (network === undefined || network.length === 128) return network && formatIp(network.base);
    return context.error("acl.type_mismatch", item, {
      message: "a host is compared with a network",
      hint: 'compare "dest.ip" with it',
    });
  }
  const canonical = canonicalHost(item.value);
  if (canonical.error === undefined) return canonical.host;
  const hint = item.value.startsWith("*.") ? `write under "${shorten(item.value.slice(2))}"` : undefined;
  context.warn("acl.host_never_matches", item, {
    message: `no host can be "${shorten(item.value)}"`,
    hint,
    label: canonical.error,
  });
  return item.value;
}

function wrongItem(item: Item, context: Context, what: string): undefined {
  return context.error("acl.type_mismatch", item, {
    message: `the list must hold ${what}`,
    label: `${item.kind === "address" ? "an address" : `a ${item.kind}`}`,
  });
}
