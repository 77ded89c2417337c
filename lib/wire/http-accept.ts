/** Whether a client would rather read HTML than plain text, by its Accept field (RFC 9110 section 12.5.1). Knows no other types. */

/** Media ranges that are looked at; nobody names more. */
const MOST_RANGES = 64;

/**
 * True where `text/html` is named and weighs no less than plain text does. Wildcards name nothing: curl and programs that
 * take anything get text. Several fields are joined with commas.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || accept === "") return false;
  const weights = new Map<string, number>();
  for (const range of splitOutsideQuotes(accept, ",").slice(0, MOST_RANGES)) {
    const [type = "", ...parameters] = splitOutsideQuotes(range, ";").map((part) => part.trim().toLowerCase());
    if (RANGES.has(type)) weights.set(type, Math.max(weights.get(type) ?? 0, weightOf(parameters)));
  }
  const html = weights.get("text/html") ?? 0;
  return html > 0 && html >= (weights.get("text/plain") ?? weights.get("text/*") ?? weights.get("*/*") ?? 0);
}

const RANGES = new Set(["text/html", "text/plain", "text/*", "*/*"]);

/** From 0 to 1; what is no weight counts as none, which is 0. */
function weightOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  if (given === undefined) return 1;
  const weight = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(given)?.[1];
  return weight === undefined ? 0 : Number(weight);
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator);
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\" && quoted) i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)];
}
