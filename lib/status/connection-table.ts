/** Open connections as a table of the status page, with the ways to other orders and further rows. */
import { ORDERS, type ConnectionPage, type Order, type Row } from "./connections.ts";
import { formatAge, formatBytes, formatCount } from "./format.ts";
import { html, Html } from "./html.ts";
import { scrolledTable, type Heading } from "./scrolled-table.ts";

const HEADINGS: readonly Heading[] = [
  { name: "Client" },
  { name: "Target" },
  { name: "Way" },
  { name: "State" },
  { name: "From client", numeric: true },
  { name: "To client", numeric: true },
  { name: "Open for", numeric: true },
];
const ORDER_WORDS: Record<Order, string> = { age: "longest open", new: "newest", bytes: "most bytes" };

/** Of who may not see whose they are, only their number is given; undefined shows nothing. */
export function connectionTable(
  connections: ConnectionPage | { readonly total: number } | undefined,
): Html | undefined {
  if (connections === undefined) return undefined;
  const { total } = connections;
  if (!("rows" in connections))
    return html`<section class="wide">
      <h2>Connections <small>${formatCount(total)} open</small></h2>
      <p class="foot soft">
        Whose they are is shown on a UNIX socket, and over HTTPS to those whom --status-acl names.
      </p>
    </section>`;
  const { rows } = connections;
  const table = scrolledTable(HEADINGS, rows.map(rowOf), true);
  return html`<section class="wide" id="connections">
    <div class="foot">
      <h2>Connections <small>${formatCount(total)} open</small></h2>
      ${orderOf(connections)}
    </div>
    ${total === 0 ? undefined : table}${turnOf(connections)}
  </section>`;
}

function orderOf({ order, total }: ConnectionPage): Html | undefined {
  if (total < 2) return undefined;
  const orders = ORDERS.map((one) =>
    one === order
      ? html`<b aria-current="true">${ORDER_WORDS[one]}</b> `
      : html`<a id="by-${one}" href="?sort=${one}">${ORDER_WORDS[one]}</a> `,
  );
  return html`<nav aria-label="Order"><span class="soft">First:</span> ${orders}</nav>`;
}

function rowOf({ who, client, target, route, state, sent, received, age }: Row): Html {
  const name = who === "" ? html`<bdi>${client}</bdi>` : html`<bdi>${who}</bdi><small><bdi>${client}</bdi></small>`;
  return html`<tr>
    <th scope="row" data-label="Client">${name}</th>
    <td class="text" data-label="Target"><bdi>${target}</bdi></td>
    <td class="way" data-label="Way"><bdi>${route}</bdi></td>
    <td class="state" data-label="State">${state}</td>
    <td class="n" data-label="From client">${formatBytes(sent)}</td>
    <td class="n" data-label="To client">${formatBytes(received)}</td>
    <td class="n" data-label="Open for">${age === undefined ? "–" : formatAge(age)}</td>
  </tr> `;
}

function turnOf({ order, rows, from, total, page, pages }: ConnectionPage): Html | undefined {
  if (pages === 1) return undefined;
  const to = (other: number, words: string) =>
    other < 1 || other > pages
      ? undefined
      : html`<a id="to-${words}" href="?sort=${order}&amp;page=${other}#connections">${words}</a>`;
  return html`<nav class="foot" aria-label="Pages">
    <span class="soft">${formatCount(from + 1)} to ${formatCount(from + rows.length)} of ${formatCount(total)}</span>
    <span>${to(page - 1, "previous")} ${to(page + 1, "next")}</span>
  </nav>`;
}
