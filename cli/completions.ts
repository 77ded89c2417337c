/** `portail __complete SHELL …`, which completion scripts call: what may come next, in lines for that shell. Never fails aloud. */

import type { Group } from "../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../lib/command/errors.ts";
import type { Runtime } from "../lib/command/runtime.ts";
import { bashQuoted, readBashLine } from "./completion/bash-line.ts";
import { offersFor, type Offers } from "./completion/offers.ts";
import type { Offer } from "./completion/values.ts";

/** More than anybody reads. */
const MOST = 2000;

/**
 * Answers `bash LINE BREAKS`, `zsh WORD... CURRENT` or `fish WORD... CURRENT`; the words are those behind `portail`. What
 * cannot be answered is answered with nothing, since the shell shows a line that somebody is writing.
 */
export async function complete(
  root: Group,
  [shell = "", ...given]: readonly string[],
  runtime: Runtime,
): Promise<ExitStatus> {
  try {
    const lines = await answer(root, shell, given, runtime);
    runtime.stdout.write(lines.map((line) => `${line}\n`).join(""));
  } catch (error) {
    if (runtime.env["PORTAIL_DEBUG"]) runtime.stderr.write(`${String(error)}\n`);
  }
  return EXIT.done;
}

async function answer(root: Group, shell: string, given: readonly string[], runtime: Runtime): Promise<string[]> {
  if (shell === "bash") return bashLines(root, given, runtime);
  const current = given.at(-1) ?? "";
  const offers = await offersFor(root, given.slice(0, -1), current, runtime);
  return shell === "fish" ? fishLines(offers) : shell === "zsh" ? zshLines(offers) : [];
}

/** What the shell adds; whether a space follows; for paths, what is typed of it and what stands in front; then the values. */
async function bashLines(
  root: Group,
  [line = "", breaks = ""]: readonly string[],
  runtime: Runtime,
): Promise<string[]> {
  const { words, current, kept, quote } = readBashLine(line, breaks);
  const { prefix, offers, more } = await offersFor(root, words.slice(1), current, runtime);
  const fitting = sound(offers).filter(({ value }) => `${prefix}${value}`.startsWith(current));
  const values = fitting.map(({ value }) => `${prefix}${value}`.slice(kept));
  const shown = quote !== "" || more === "files" ? values : values.map(bashQuoted);
  const space = fitting.every(({ value }) => endsWord(value)) ? "space" : "nospace";
  return [more, space, current.slice(Math.max(kept, prefix.length)), prefix.slice(kept), ...shown];
}

/** What the shell adds; what stands in front; then a tab between each value and its description. */
function fishLines({ prefix, offers, more }: Offers): string[] {
  return [more, prefix, ...sound(offers).map(({ value, about = "" }) => `${prefix}${value}\t${about}`)];
}

/** The same, with a colon between them as `_describe` reads it, and a `-` in front of what no space follows. */
function zshLines({ prefix, offers, more }: Offers): string[] {
  const lines = sound(offers).map(({ value, about = "" }) => {
    const name = value.replaceAll(/[\\:]/g, "\\$&");
    return `${endsWord(value) ? "+" : "-"}${name}${about === "" ? "" : `:${about}`}`;
  });
  return [more, prefix, ...lines];
}

const endsWord = (value: string): boolean => !/[=:.]$/.test(value);

/** Each value once. What a terminal would take for an order is left out: names come out of files. */
function sound(offers: readonly Offer[]): Offer[] {
  const seen = new Map<string, Offer>();
  for (const { value, about } of offers) {
    if (value === "" || /\p{Cc}/u.test(value) || seen.has(value)) continue;
    seen.set(value, { value, ...(about !== undefined && { about: about.replaceAll(/\p{Cc}+/gu, " ") }) });
    if (seen.size === MOST) break;
  }
  return [...seen.values()];
}
