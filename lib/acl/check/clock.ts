/** Comparisons of `time`, `weekday` and `now`: zones and windows read at load. */
import type { ListLiteral, Operand, StringLiteral } from "../ast.ts";
import { isZone, parseDayWindow, parseInstant, parseWeekdays, WEEKDAYS } from "../clock.ts";
import type { Question } from "../model.ts";
import { shorten } from "../parser/cursor.ts";
import type { FactOperand, PlainOperator } from "./operand.ts";
import type { Context } from "./context.ts";

/** `time in "08:00-18:30" zone "Europe/Paris"`, `weekday in ["mon-fri"] zone "UTC"`. */
export function clockQuestion(
  fact: FactOperand,
  operator: PlainOperator,
  right: Operand | ListLiteral,
  zone: StringLiteral | undefined,
  context: Context,
): Question | undefined {
  if (operator !== "in")
    return context.error("acl.type_mismatch", fact.span, {
      message: `"${fact.name}" is tested with "in"`,
      hint: EXAMPLES[fact.name],
    });
  if (zone === undefined)
    return context.error("acl.bad_zone", fact.span, {
      message: `"${fact.name}" needs a zone`,
      hint: EXAMPLES[fact.name],
    });
  if (!checkZone(zone, context)) return undefined;
  const texts = right.kind === "list" ? right.items : [right];
  const days = WEEKDAYS.map(() => false);
  const windows = [];
  for (const text of texts) {
    if (text.kind !== "string")
      return context.error("acl.bad_time", text, {
        message: `"${fact.name}" is compared with strings`,
        hint: EXAMPLES[fact.name],
      });
    const window = fact.name === "time" ? parseDayWindow(text.value) : undefined;
    const named = fact.name === "weekday" ? parseWeekdays(text.value) : undefined;
    if (window === undefined && named === undefined) {
      return context.error("acl.bad_time", text, {
        message: `cannot read "${shorten(text.value)}" as ${fact.name === "time" ? "a window of the day" : "weekdays"}`,
        hint: EXAMPLES[fact.name],
      });
    }
    if (window !== undefined) windows.push(window);
    for (const day of named ?? []) days[day] = true;
  }
  const test =
    fact.name === "time"
      ? ({ kind: "time", windows, zone: zone.value } as const)
      : ({ kind: "weekday", days, zone: zone.value } as const);
  return { kind: "clock", test };
}

/** `now < "2026-12-31T18:00" zone "Europe/Paris"`. */
export function instantQuestion(
  fact: FactOperand,
  operator: PlainOperator,
  right: Operand | ListLiteral,
  zone: StringLiteral | undefined,
  context: Context,
): Question | undefined {
  if (operator === "in" || operator === "under" || operator === "=~") {
    return context.error("acl.type_mismatch", fact.span, {
      message: `"${fact.name}" is compared with < <= > >= or ==`,
      hint: EXAMPLES["now"],
    });
  }
  if (right.kind !== "string")
    return context.error("acl.bad_time", right, {
      message: `"${fact.name}" is compared with a date in double quotes`,
      hint: EXAMPLES["now"],
    });
  if (zone !== undefined && !checkZone(zone, context)) return undefined;
  const at = parseInstant(right.value, zone?.value);
  if (at === "zone")
    return context.error("acl.bad_zone", right, {
      message: "a date without an offset needs a zone",
      hint: EXAMPLES["now"],
    });
  if (at === undefined)
    return context.error("acl.bad_time", right, {
      message: `cannot read "${shorten(right.value)}" as a date`,
      hint: EXAMPLES["now"],
    });
  return { kind: "clock", test: { kind: "instant", sign: operator, at } };
}

function checkZone(zone: StringLiteral, context: Context): boolean {
  if (isZone(zone.value)) return true;
  context.error("acl.bad_zone", zone, {
    message: `unknown zone "${shorten(zone.value)}"`,
    hint: 'write a name such as "Europe/Paris", "UTC" or an offset such as "+02:00"',
  });
  return false;
}

const EXAMPLES: Readonly<Record<string, string>> = {
  time: 'write time in "08:00-18:30" zone "Europe/Paris"',
  weekday: 'write weekday in ["mon-fri"] zone "Europe/Paris"',
  now: 'write now < "2026-12-31T18:00" zone "Europe/Paris"',
};
