/** A table of the status page, which scrolls by itself where the window is too narrow for it. */
import { html, type Html } from "./html.ts";

export interface Heading {
  readonly name: string;
  /** Whether numbers stand below, at the right. */
  readonly numeric?: boolean;
}

/** With `cards`, narrow windows show each row as a card; its cells have their heading in `data-label` then. */
export function scrolledTable(headings: readonly Heading[], rows: readonly Html[], cards = false): Html {
  const heads = headings.map(({ name, numeric }) =>
    numeric ? html`<th scope="col" class="n">${name}</th>` : html`<th scope="col">${name}</th>`,
  );
  return html`<div class="scroll">
    <table class="${cards ? "cards" : "plain"}">
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}
