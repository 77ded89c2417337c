/** A command line as bash hands it to a completion: quotes and backslashes read, and where bash begins what it replaces. Expands nothing. */

interface BashLine {
  /** Whole words in front of the one at the cursor, without quotes. */
  words: string[];
  /** The word at the cursor, without quotes. */
  current: string;
  /** How much of `current` stands and is not replaced. */
  kept: number;
  /** The quote that is open at the cursor. */
  quote: "" | "'" | '"';
}

/** Reads the line up to the cursor; `breaks` is `COMP_WORDBREAKS`. Redirections are left out. */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: string[] = [];
  let word: string | undefined;
  let kept = 0;
  let quote: BashLine["quote"] = "";
  let redirected = false;
  const end = () => {
    if (word !== undefined && !redirected) words.push(word);
    if (word !== undefined) redirected = false;
    word = undefined;
    kept = 0;
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (quote !== "") {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"' && /["\\$`]/.test(line[at + 1] ?? "")) word += line[++at]!;
      else word += char;
    } else if (/\s/.test(char)) {
      end();
    } else if (char === "<" || char === ">") {
      if (word !== undefined && /^\d*$/.test(word)) word = undefined;
      end();
      redirected = true;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
      kept = word.length;
    } else if (char === "\\") {
      word = `${word ?? ""}${line[++at] ?? ""}`;
    } else {
      word = `${word ?? ""}${char}`;
      if (breaks.includes(char)) kept = word.length;
    }
  }
  return { words, current: word ?? "", kept, quote };
}

/** A value as it may stand in a command line of bash without quotes. */
export function bashQuoted(value: string): string {
  return value.replaceAll(/[^\w@%+=:,./\u0080-\uffff-]/g, "\\$&");
}
