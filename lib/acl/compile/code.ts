/** Clauses as numbers in one array, and their evaluation: what evaluate.ts means, with texts compared by their numbers. It finds no clauses. */
import { FALSE, TRUE } from "../evaluate.ts";
import { storedFact } from "../facts.ts";
import type { Comparison, Condition } from "../model.ts";
import type { NameSet } from "../sets.ts";
import { compileMatcher, type Matcher } from "./matcher.ts";
import { BOOLEAN, DOMAINS, LIST, NAME, NUMBER, type Request, TEXT, VALUE } from "./request.ts";

/**
 * An instruction is a head (operation, whether it is negated, place of the fact), the position behind the instruction,
 * and its operands. Thousands of clauses are evaluated in turn, each seldom: trees of objects would be read from memory
 * for each, these are a cache line or two, and no text is touched.
 */
export class Code {
  #words = new Int32Array(64);
  #size = 1;
  readonly #matchers: Matcher[] = [];

  constructor(readonly request: Request) {}

  /** Where the condition's code begins, for `run`; never 0. */
  compile(condition: Condition): number {
    const at = this.#size;
    const known = this.request.names.size;
    this.#emit(condition);
    if (this.request.names.size > known) this.request.refresh();
    return at;
  }

  /** The ways in which the condition can end, as `evaluate` has them. */
  run(at: number): number {
    const words = this.#words;
    const head = words[at]!;
    const slot = head >>> SLOT_SHIFT;
    const { request } = this;
    let answer = false;
    switch (head & OPERATION) {
      case ALL_OF:
        return this.#group(at, TRUE);
      case ANY_OF:
        return this.#group(at, FALSE);
      case MATCHER:
        return this.#matchers[words[at + 2]!]!(request);
      case EQUAL_TEXT:
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        answer = request.own[slot] === words[at + 2];
        break;
      case IN_TEXTS:
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        answer = this.#inTexts(at, slot);
        break;
      case UNDER:
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        answer = this.#under(at, slot);
        break;
      case HOLDS:
        if (request.kinds[slot] !== LIST) return request.exception(slot);
        answer = this.#holds(at, slot);
        break;
      case EQUAL_NUMBER:
        if (request.kinds[slot] !== NUMBER) return request.exception(slot);
        answer = request.values[slot] === words[at + 2];
        break;
      case IN_NUMBERS: {
        if (request.kinds[slot] !== NUMBER) return request.exception(slot);
        const value = request.values[slot] as number;
        for (let i = at + 2, end = words[at + 1]!; i < end && !answer; i++) answer = value === words[i];
        break;
      }
      case EQUAL_BOOLEAN:
        if (request.kinds[slot] !== BOOLEAN) return request.exception(slot);
        answer = (request.values[slot] === true) === (words[at + 2] === 1);
    }
    return answer === ((head & NEGATED) === 0) ? TRUE : FALSE;
  }

  /** `and` goes on while TRUE is possible, `or` while FALSE is. */
  #group(at: number, go: number): number {
    const words = this.#words;
    const end = words[at + 1]!;
    let ways = go;
    for (let item = at + 2; item < end; item = words[item + 1]!) {
      const one = this.run(item);
      ways = (ways & ~go) | one;
      if ((one & go) === 0) return ways;
    }
    return ways;
  }

  #inTexts(at: number, slot: number): boolean {
    const words = this.#words;
    const own = this.request.own[slot]!;
    if (own < 0) return false;
    for (let i = at + 2, end = words[at + 1]!; i < end; i++) if (words[i] === own) return true;
    return false;
  }

  #under(at: number, slot: number): boolean {
    const words = this.#words;
    const end = words[at + 1]!;
    const domains = this.request.others[slot]!;
    for (let domain = this.request.counts[slot]! - 1; domain >= 0; domain--) {
      const number = domains[domain];
      for (let i = at + 2; i < end; i++) if (words[i] === number) return true;
    }
    return this.#inTexts(at, slot);
  }

  #holds(at: number, slot: number): boolean {
    const wanted = this.#words[at + 2];
    const items = this.request.others[slot]!;
    for (let i = this.request.counts[slot]! - 1; i >= 0; i--) if (items[i] === wanted) return true;
    return false;
  }

  #emit(condition: Condition): void {
    if (condition.kind === "and" || condition.kind === "or") {
      const at = this.#size;
      this.#put(condition.kind === "and" ? ALL_OF : ANY_OF, []);
      for (const item of condition.items) this.#emit(item);
      this.#words[at + 1] = this.#size;
      return;
    }
    if (condition.kind === "comparison" && this.#emitComparison(condition)) return;
    this.#put(MATCHER, [this.#matchers.push(compileMatcher(condition, this.request)) - 1]);
  }

  /** False for a question that has no instruction. */
  #emitComparison({ fact, question, negated }: Comparison): boolean {
    const put = (operation: number, operands: readonly number[], asked = VALUE): true => {
      const slot = this.request.slot(storedFact(fact), asked);
      return this.#put(operation | (negated ? NEGATED : 0) | (slot << SLOT_SHIFT), operands);
    };
    const number = (name: string) => this.request.names.add(name);
    switch (question.kind) {
      case "equals": {
        const { value } = question;
        if (typeof value === "string") return put(EQUAL_TEXT, [number(value)], NAME);
        if (typeof value === "boolean") return put(EQUAL_BOOLEAN, [value ? 1 : 0]);
        return isWord(value) && put(EQUAL_NUMBER, [value]);
      }
      case "holds":
        return put(HOLDS, [number(question.value)], NAME);
      case "in-names":
      case "under": {
        const names = namesOf(question.set);
        if (names === undefined) return false;
        const isUnder = question.kind === "under";
        return put(isUnder ? UNDER : IN_TEXTS, names.map(number), isUnder ? NAME | DOMAINS : NAME);
      }
      case "in-numbers": {
        const { values, ranges } = question.set;
        if (values.size > MAX_OPERANDS || ranges.length > 0) return false;
        const numbers = [...values].filter(isWord);
        return numbers.length === values.size && put(IN_NUMBERS, numbers);
      }
      default:
        return false;
    }
  }

  #put(head: number, operands: readonly number[]): true {
    const end = this.#size + 2 + operands.length;
    if (end > this.#words.length) {
      const words = new Int32Array(end * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words.set([head, end, ...operands], this.#size);
    this.#size = end;
    return true;
  }
}

const OPERATION = 0xf;
const NEGATED = 0x10;
const SLOT_SHIFT = 5;

const ALL_OF = 0;
const ANY_OF = 1;
/** Everything without an instruction of its own: a closure. */
const MATCHER = 2;
/** The number of the text in `Request.names`, or those of all texts. */
const EQUAL_TEXT = 3;
const HOLDS = 4;
const IN_TEXTS = 5;
const UNDER = 6;
/** The numbers themselves. */
const EQUAL_NUMBER = 7;
const IN_NUMBERS = 8;
const EQUAL_BOOLEAN = 9;

/** Sets of more are asked as they are. */
const MAX_OPERANDS = 16;

const namesOf = ({ names }: NameSet): readonly string[] | undefined =>
  names === undefined || names.length > MAX_OPERANDS ? undefined : names;

const isWord = (value: number | bigint): value is number => typeof value === "number" && (value | 0) === value;
