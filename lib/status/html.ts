/** HTML put together from parts: what is no markup already is text of strangers, shown as such. */
import { escapeHtml, visible } from "../session/visible.ts";

/** Markup that may stand on a page as it is. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = Html | string | number | undefined | readonly Html[];

/**
 * A template of markup. A text in it loses what is invisible, its length beyond `visible`'s bound, and its markup; so it
 * can stand between elements and in quoted attributes. Undefined is nothing.
 */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let whole = "";
  tight(markup).forEach((piece, i) => (whole += piece + shown(parts[i])));
  return new Html(whole);
}

/** Templates are part of the program: there are only so many. */
const TIGHT = new WeakMap<TemplateStringsArray, string[]>();

/** Without the indentation of the source. */
function tight(markup: TemplateStringsArray): string[] {
  let pieces = TIGHT.get(markup);
  if (pieces === undefined) TIGHT.set(markup, (pieces = markup.map((piece) => piece.replace(/\s*\n\s*/g, "\n"))));
  return pieces;
}

function shown(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "object") return part.map(({ markup }) => markup).join("");
  return escapeHtml(visible(String(part)));
}
