/** The syntax tree of a policy file, every node with its place. Meaning is given by check/program.ts. */
import type { Span } from "./diagnostic.ts";

export interface File {
  readonly items: readonly Item[];
  /** In file order, without those of included files. */
  readonly comments: readonly Comment[];
}

/** `text` starts with `#` or `//`. */
export interface Comment extends Span {
  readonly text: string;
}

export type Item = PolicyBlock | RouteBlock | SetItem | IncludeItem | TestBlock;

export interface Name extends Span {
  readonly text: string;
}

export interface PolicyBlock extends Span {
  /** Part of it could not be read: what it seems to lack may be there. */
  readonly broken?: true;
  readonly kind: "policy";
  readonly name: Name;
  readonly clauses: readonly (ConditionClause | ActionClause)[];
}

export interface RouteBlock extends Span {
  /** Part of it could not be read: what it seems to lack may be there. */
  readonly broken?: true;
  readonly kind: "route";
  readonly name: Name;
  readonly clauses: readonly (ConditionClause | UseClause)[];
}

export interface ConditionClause extends Span {
  readonly kind: "when" | "require";
  readonly condition: Expr;
}

export interface ActionClause extends Span {
  readonly kind: "action";
  readonly action: Action;
}

export interface UseClause extends Span {
  readonly kind: "use";
  readonly backends: readonly StringLiteral[];
}

export type Action = Span &
  (
    | { readonly kind: "allow" | "log" }
    | { readonly kind: "deny"; readonly template?: StringLiteral }
    | { readonly kind: "redirect"; readonly target: StringLiteral }
    | { readonly kind: "challenge"; readonly message: StringLiteral }
  );

export interface SetItem extends Span {
  readonly kind: "set";
  readonly name: Name;
  readonly value: ListLiteral | { readonly kind: "lines" | "hosts"; readonly path: StringLiteral };
}

export interface IncludeItem extends Span {
  readonly kind: "include";
  readonly path: StringLiteral;
}

export interface TestBlock extends Span {
  readonly kind: "test";
  readonly name: StringLiteral;
  readonly given: readonly Binding[];
  readonly expect?: Expectation;
  /** Rows of a table: each adds to `given`. */
  readonly cases: readonly TestCase[];
}

export interface TestCase extends Span {
  readonly name?: StringLiteral;
  readonly given: readonly Binding[];
  readonly expect: Expectation;
}

/** `fact = value`; the name `resolves` gives the addresses that the host has. */
export interface Binding extends Span {
  readonly name: Name;
  readonly value: Literal | ListLiteral;
}

export interface Expectation extends Span {
  readonly outcome: "allow" | "deny" | "redirect" | "challenge";
  readonly by?: Name;
  readonly to?: StringLiteral;
  readonly via?: readonly StringLiteral[];
  readonly explain?: StringLiteral;
  readonly missing?: Name;
  readonly logged?: readonly Name[];
}

/** `and` and `or` hold two operands or more; a nested one of the same kind was in parentheses. */
export type Expr = Group | Not | Defined | Comparison;

/** The spans of expressions reach from their first to their last word; `whole` has the parentheses of the operands too. */
interface Group extends Span {
  readonly kind: "and" | "or";
  readonly items: readonly Expr[];
  readonly whole: Span;
}

interface Not extends Span {
  readonly kind: "not";
  readonly item: Expr;
  readonly whole: Span;
}

interface Defined extends Span {
  readonly kind: "defined";
  readonly fact: Name;
}

export const OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "=~", "in", "not in", "under", "not under"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Comparison extends Span {
  readonly kind: "comparison";
  readonly left: Operand;
  readonly operator: Operator;
  readonly right: Operand | ListLiteral;
  readonly zone?: StringLiteral;
}

export type Literal = StringLiteral | NumberLiteral | BooleanLiteral | AddressLiteral;
export type Operand = Literal | Reference;

export interface StringLiteral extends Span {
  readonly kind: "string";
  readonly value: string;
  /** Written as `e"…"`. */
  readonly escaped?: true;
}

/** A whole number of 64 bits; `bigint` beyond what a double holds exactly. */
export interface NumberLiteral extends Span {
  readonly kind: "number";
  readonly value: number | bigint;
}

interface BooleanLiteral extends Span {
  readonly kind: "boolean";
  readonly value: boolean;
}

/** An address or a network as written: `10.0.0.0/8`. */
export interface AddressLiteral extends Span {
  readonly kind: "address";
  readonly text: string;
}

/** A fact or a named set. */
interface Reference extends Span {
  readonly kind: "reference";
  readonly name: string;
}

export interface RangeLiteral extends Span {
  readonly kind: "range";
  readonly low: number;
  readonly high: number;
}

export interface ListLiteral extends Span {
  readonly kind: "list";
  readonly items: readonly (StringLiteral | NumberLiteral | AddressLiteral | RangeLiteral)[];
}
