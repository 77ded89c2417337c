/** Whether two conditions are the same but for their place, by a key. Conditions that merely mean the same have different keys. */
import { formatCidr, formatIp } from "../../../wire/ip.ts";
import type { CheckedAction, Condition, Question } from "../../model.ts";

const keys = new WeakMap<Condition, string>();
const numbers = new WeakMap<object, number>();
let count = 0;

/** Equal keys: the two evaluate alike, step by step. Large sets are the same only if they are one object. */
export function keyOf(condition: Condition): string {
  let key = keys.get(condition);
  if (key === undefined) keys.set(condition, (key = makeKey(condition)));
  return key;
}

/** As `keyOf`, for what a policy does. */
export const keyOfAction = (action: CheckedAction): string => JSON.stringify(action, stringify);

function makeKey(condition: Condition): string {
  switch (condition.kind) {
    case "constant":
      return String(condition.value);
    case "defined":
      return `defined${condition.negated ? "!" : ""} ${condition.fact}`;
    case "not":
      return `not(${keyOf(condition.item)})`;
    case "comparison":
      return `${condition.fact} ${condition.negated ? "!" : ""}${keyOfQuestion(condition.question)}`;
    default:
      return `${condition.kind}(${condition.items.map(keyOf).join("\n")})`;
  }
}

function keyOfQuestion(question: Question): string {
  switch (question.kind) {
    case "matches":
      return `matches ${JSON.stringify(question.pattern.text)}`;
    case "equals-address":
      return `equals-address ${formatIp(question.value)}`;
    case "in-names":
    case "under": {
      const { names, table } = question.set;
      return `${question.kind} ${names === undefined ? `#${numberOf(table)}` : JSON.stringify(names)}`;
    }
    case "in-addresses": {
      const { networks, table } = question.set;
      return `in-addresses ${networks === undefined ? `#${numberOf(table)}` : networks.map(formatCidr).join()}`;
    }
    case "in-numbers": {
      const { values, ranges } = question.set;
      if (values.size + ranges.length > 2_000) return `in-numbers #${numberOf(values)}`;
      return `in-numbers ${[...values].join()};${ranges.map(({ low, high }) => `${low}-${high}`).join()}`;
    }
    default:
      return JSON.stringify(question, stringify);
  }
}

const stringify = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

function numberOf(object: object): number {
  const known = numbers.get(object);
  if (known !== undefined) return known;
  numbers.set(object, ++count);
  return count;
}
