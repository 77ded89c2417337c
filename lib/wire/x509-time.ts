/** Times in certificates (RFC 5280 section 4.1.2.5) as milliseconds since 1970. Judges no validity. */
import { DerError, type Element, TAG } from "./der.ts";

/**
 * `YYMMDDHHMMSSZ` as UTCTime, where 50 to 99 are years of the twentieth century, or `YYYYMMDDHHMMSSZ` as
 * GeneralizedTime; no other form, no fractions, no days that the calendar lacks. The RFC has issuers use UTCTime through
 * 2049; a GeneralizedTime before that is read too, since it can mean only one thing.
 */
export function timeOf(element: Element): number {
  const digits = element.end - element.start - 1;
  const yearDigits = element.tag === TAG.utcTime ? 2 : 4;
  if (element.tag !== TAG.utcTime && element.tag !== TAG.generalizedTime) throw new DerError("a time has another type");
  if (digits !== yearDigits + 10 || element.bytes[element.end - 1] !== 0x5a) throw new DerError("a time is malformed");
  const at = element.start + yearDigits;
  const written = yearDigits === 2 ? pair(element, 0) : pair(element, 0) * 100 + pair(element, 2);
  const year = yearDigits === 4 ? written : written + (written < 50 ? 2000 : 1900);
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((offset) =>
    pair(element, at - element.start + offset),
  ) as [number, number, number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    throw new DerError("a time is in no calendar");
  // Date.UTC takes years below 100 for those of the twentieth century; 400 years are a whole number of days.
  return Date.UTC(year + 400, month - 1, day, hour, minute, second) - CYCLE;
}

/** Length of the Gregorian calendar's cycle of 400 years. */
const CYCLE = 146_097 * 86_400_000;

function pair({ bytes, start }: Element, offset: number): number {
  const tens = bytes[start + offset]! - 0x30;
  const ones = bytes[start + offset + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw new DerError("a time is malformed");
  return tens * 10 + ones;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
