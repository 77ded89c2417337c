/** Text in mdoc(7): what would be an order of the language is escaped, lines are kept short. Knows no command. */

/** Bytes of a source line; mandoc complains of more than 80. */
const WIDTH = 76;

/** Text as it is, for literal blocks and names: every hyphen is a minus that can be copied into a shell. */
export function literal(text: string): string {
  return guarded(escaped(text).replaceAll("-", "\\-"));
}

/** Text as one argument, or the last ones, of a macro. */
export function argument(text: string): string {
  const words = minus(escaped(text)).replaceAll('"', "\\(dq").split(" ");
  // A word that is a macro's name or a delimiter would be taken for one.
  return words.map((word) => (/^(?:[A-Z][a-z]{1,2}|[.,:;?!()[\]|])$/.test(word) ? `\\&${word}` : word)).join(" ");
}

/** Prose: each sentence begins on a line of its own, as mdoc wants it. */
export function fill(text: string): string[] {
  const sentences = text
    .replaceAll(/\s+/g, " ")
    .trim()
    .split(/(?<=[^.][.!?]["')]?) (?=["'(]?[A-Z])/);
  return sentences.flatMap((one) => wrapped(minus(escaped(one)))).map(guarded);
}

/** A list of `.It` heads, in macros, and their text. */
export function tagged(items: readonly (readonly [head: string, text: string])[]): string[] {
  return [".Bl -tag -width Ds", ...items.flatMap(([head, text]) => [`.It ${head}`, ...fill(text)]), ".El"];
}

function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll(/[^\x00-\x7f]/gu, (char) => `\\[u${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** Hyphens of flags are minus signs, and no line breaks at them. */
function minus(text: string): string {
  return text.replaceAll(
    /(?<![\w-])--?[a-z][\w-]*|(?<![\w-])--(?![\w-])/gi,
    (flag) => `\\%${flag.replaceAll("-", "\\-")}`,
  );
}

/** A line that begins like an order. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
