/** `redundant-entry`: an entry of a list that another one of the list already holds. */
import { canonicalHost } from "../../wire/host.ts";
import { type Cidr, cidrContains, parseCidr } from "../../wire/ip.ts";
import type { ListLiteral } from "../ast.ts";
import { shorten } from "../parser/cursor.ts";
import { itemRemoval } from "./engine/edits.ts";
import type { Rule } from "./engine/finding.ts";
import { type Reading, writtenLists } from "./engine/walk.ts";

export const rule: Rule = {
  id: "redundant-entry",
  severity: "warning",
  summary: "An entry of a list is held by another one",
  fixable: true,
  *check(subject) {
    for (const { file, list, readings, shared } of writtenLists(subject)) {
      const [first, ...others] = [...readings].map((reading) => heldEntries(list, reading));
      for (const [index, by] of first ?? []) {
        if (!others.every((held) => held.has(index))) continue;
        const { start, end } = list.items[index]!;
        const edit = itemRemoval(list.items, index);
        const holder = list.items[by]!;
        const [own, other] = [textOf(list.items[index]!), textOf(holder)];
        yield {
          file,
          start,
          end,
          message: own === other ? `${own} is in the list twice` : `${own} is held by ${other} of the same list`,
          hint: "leave it out",
          label: own === other ? "said before" : `within ${other}`,
          fix: (shared && own !== other) || subject.hasComment(file, edit) ? undefined : edit,
        };
      }
    }
  },
};

type Item = ListLiteral["items"][number];

function textOf(item: Item): string {
  if (item.kind === "string") return `"${shorten(item.value)}"`;
  if (item.kind === "address") return item.text;
  return item.kind === "range" ? `${item.low}-${item.high}` : String(item.value);
}

/** Index of each entry that is not needed, and of one that holds it. O(n log n). */
function heldEntries({ items }: ListLiteral, reading: Reading): ReadonlyMap<number, number> {
  if (reading === "addresses") return heldNetworks(items);
  if (reading === "numbers") return heldNumbers(items);
  const held = new Map<number, number>();
  const known = new Map<string, number>();
  const names = items.map((item) => nameOf(item, reading));
  for (const [i, name] of names.entries()) {
    const before = known.get(name);
    if (before === undefined) known.set(name, i);
    else held.set(i, before);
  }
  if (reading !== "domains") return held;
  for (const [i, name] of names.entries()) {
    for (let dot = name.indexOf("."); dot !== -1 && !held.has(i); dot = name.indexOf(".", dot + 1)) {
      const parent = known.get(name.slice(dot + 1));
      if (parent !== undefined) held.set(i, parent);
    }
  }
  return held;
}

function nameOf(item: Item, reading: Reading): string {
  const text = item.kind === "string" ? item.value : textOf(item);
  if (reading === "texts") return text;
  return canonicalHost(text).host ?? text;
}

function heldNetworks(items: readonly Item[]): ReadonlyMap<number, number> {
  const networks = items.flatMap((item, index) => {
    const cidr = parseCidr(item.kind === "string" ? item.value : textOf(item));
    return cidr === undefined ? [] : [{ index, cidr }];
  });
  networks.sort((x, y) => order(x.cidr, y.cidr) || x.index - y.index);
  const held = new Map<number, number>();
  // Networks nest or are apart: what starts inside the last wide one lies in it.
  let wide = networks[0];
  for (const one of networks.slice(1)) {
    if (cidrContains(wide!.cidr, one.cidr.base)) held.set(one.index, wide!.index);
    else wide = one;
  }
  return held;
}

function order({ base: x, length: m }: Cidr, { base: y, length: n }: Cidr): number {
  return x.family - y.family || x.a - y.a || x.b - y.b || x.c - y.c || x.d - y.d || m - n;
}

function heldNumbers(items: readonly Item[]): ReadonlyMap<number, number> {
  const spans = items.flatMap((item, index) => {
    if (item.kind === "range") return [{ index, low: item.low, high: item.high }];
    return item.kind === "number" ? [{ index, low: item.value, high: item.value }] : [];
  });
  spans.sort((x, y) => compare(x.low, y.low) || compare(y.high, x.high) || x.index - y.index);
  const held = new Map<number, number>();
  let wide = spans[0];
  for (const one of spans.slice(1)) {
    if (one.high <= wide!.high) held.set(one.index, wide!.index);
    else wide = one;
  }
  return held;
}

const compare = (x: number | bigint, y: number | bigint): number => (x < y ? -1 : x > y ? 1 : 0);
