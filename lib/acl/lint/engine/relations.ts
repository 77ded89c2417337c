/** Whether two comparisons exclude each other, or one covers the other, where that can be shown. "No" means "not shown". */
import { type Cidr, cidrContains } from "../../../wire/ip.ts";
import type { Comparison } from "../../model.ts";
import { complement, intersect, isSubset } from "./intervals.ts";
import { type Texts, type Values, valuesOf } from "./values.ts";

/** More pairs than this are not compared. */
const MAX_PAIRS = 20_000;

/** Whenever `a` is true, `b` is not false. */
export function covers(a: Comparison, b: Comparison): boolean {
  const [x, y] = pair(a, b);
  if (x === undefined || y === undefined) return false;
  if (x.kind === "numbers" || y.kind === "numbers")
    return x.kind === "numbers" && y.kind === "numbers" && isSubset(x.list, y.list);
  if (!x.negated) return y.negated ? apart(x, y) : within(x, y);
  return y.negated && within(y, x);
}

/** `a` and `b` are never both true. */
export function excludes(a: Comparison, b: Comparison): boolean {
  const [x, y] = pair(a, b);
  if (x === undefined || y === undefined) return false;
  if (x.kind === "numbers" || y.kind === "numbers")
    return x.kind === "numbers" && y.kind === "numbers" && intersect(x.list, y.list).length === 0;
  if (!x.negated) return y.negated ? within(x, y) : apart(x, y);
  return !y.negated && within(y, x);
}

/** Whether every value of the fact makes it true. */
export function isUniversal(comparison: Comparison): boolean {
  const values = valuesOf(comparison);
  if (values === undefined || values.kind === "element") return false;
  if (values.kind === "numbers") return complement(values.list, values.domain).length === 0;
  if (values.kind === "networks")
    return values.negated ? values.networks.length === 0 : [4, 6].every((family) => hasAll(values.networks, family));
  const { whole, endings, beginnings, pieces, more } = values.texts;
  if (values.negated) return !more && whole.length + endings.length + beginnings.length + pieces.length === 0;
  return [endings, beginnings, pieces].some((list) => list.includes(""));
}

/** Whether no value of the fact makes it true. */
export function isEmpty(comparison: Comparison): boolean {
  const values = valuesOf(comparison);
  if (values?.kind === "numbers") return values.list.length === 0;
  return isUniversal({ ...comparison, negated: !comparison.negated });
}

function hasAll(networks: readonly Cidr[], family: number): boolean {
  return networks.some(({ base, length }) => base.family === family && length === (family === 4 ? 96 : 0));
}

function pair(a: Comparison, b: Comparison): [Values | undefined, Values | undefined] {
  const [x, y] = [valuesOf(a), valuesOf(b)];
  return x?.key === y?.key ? [x, y] : [undefined, undefined];
}

type Positive = Exclude<Values, { kind: "numbers" }>;

/** Every value that `x` names is one that `y` names; negations are left out. */
function within(x: Positive, y: Positive): boolean {
  if (x.kind === "element" && y.kind === "element") return x.value === y.value;
  if (x.kind === "networks" && y.kind === "networks") return networksWithin(x.networks, y.networks);
  return x.kind === "texts" && y.kind === "texts" && textsWithin(x.texts, y.texts);
}

/** No value is named by both; negations are left out. */
function apart(x: Positive, y: Positive): boolean {
  if (x.kind === "networks" && y.kind === "networks") {
    if (x.networks.length * y.networks.length > MAX_PAIRS) return false;
    return x.networks.every((one) => y.networks.every((other) => !holds(one, other) && !holds(other, one)));
  }
  return x.kind === "texts" && y.kind === "texts" && textsApart(x.texts, y.texts);
}

const holds = (wide: Cidr, one: Cidr): boolean => wide.length <= one.length && cidrContains(wide, one.base);

function networksWithin(some: readonly Cidr[], all: readonly Cidr[]): boolean {
  if (some.length * all.length > MAX_PAIRS) return false;
  return some.every((one) => all.some((wide) => holds(wide, one)));
}

function textsWithin(some: Texts, all: Texts): boolean {
  if (some.more) {
    const { ending = "", beginning = "" } = some.within ?? {};
    return (ending !== "" && endingWithin(ending, all)) || (beginning !== "" && beginningWithin(beginning, all));
  }
  if (some.endings.length * (all.endings.length + all.pieces.length) > MAX_PAIRS) return false;
  return (
    some.whole.every((text) => all.has(text)) &&
    some.endings.every((ending) => endingWithin(ending, all)) &&
    some.beginnings.every((beginning) => beginningWithin(beginning, all)) &&
    some.pieces.every((piece) => all.pieces.some((one) => piece.includes(one)))
  );
}

function endingWithin(ending: string, all: Texts): boolean {
  return (
    all.endings.some((one) => ending.endsWith(one)) ||
    all.pieces.some((one) => ending.includes(one)) ||
    all.hasEnding?.(ending) === true
  );
}

function beginningWithin(beginning: string, all: Texts): boolean {
  return all.beginnings.some((one) => beginning.startsWith(one)) || all.pieces.some((one) => beginning.includes(one));
}

function textsApart(x: Texts, y: Texts): boolean {
  if (!x.whole.every((text) => !y.has(text)) || !y.whole.every((text) => !x.has(text))) return false;
  const [restX, restY] = [rest(x), rest(y)];
  if (restX === "none" || restY === "none") return true;
  if (restX === "any" || restY === "any") return false;
  if (restX.length * restY.length > MAX_PAIRS) return false;
  return restX.every((one) => restY.every((other) => clash(one, other)));
}

interface Rest {
  readonly ending: string;
  readonly beginning: string;
}

/** What is meant beside whole texts: nothing, anything, or texts with one of these ends. */
function rest(texts: Texts): "none" | "any" | readonly Rest[] {
  if (texts.more) return texts.within === undefined ? "any" : [texts.within];
  if (texts.pieces.length > 0) return "any";
  const ends = [
    ...texts.endings.map((ending) => ({ ending, beginning: "" })),
    ...texts.beginnings.map((beginning) => ({ ending: "", beginning })),
  ];
  return ends.length === 0 ? "none" : ends;
}

/** Two endings of one text are endings of each other; likewise beginnings. */
function clash(x: Rest, y: Rest): boolean {
  return (
    (!x.ending.endsWith(y.ending) && !y.ending.endsWith(x.ending)) ||
    (!x.beginning.startsWith(y.beginning) && !y.beginning.startsWith(x.beginning))
  );
}
