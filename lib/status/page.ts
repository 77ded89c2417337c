/** The status page of a daemon as HTML: self-contained, readable without its script, which only takes newer pages. Knows no metric by name. */
import { formatAge, formatBytes, formatCount, formatTime } from "./format.ts";
import type { Figures, Line, Table } from "./figures.ts";
import { INTERVAL } from "./figures.ts";
import { html, Html } from "./html.ts";
import { connectionTable } from "./connection-table.ts";
import type { Series } from "./series.ts";
import { sparkline } from "./sparkline.ts";
import type { Unit } from "./panels.ts";
import { scrolledTable } from "./scrolled-table.ts";
import script from "./live.js" with { type: "text" };
import style from "./page.css" with { type: "text" };

type Level = "ok" | "busy" | "bad";

/** A certificate that the daemon shows. */
export interface ShownIdentity {
  /** What it is for. */
  readonly role: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notAfter: Date;
}

export interface View {
  /** As it is typed, e.g. `socks`. */
  readonly command: string;
  readonly version: string;
  readonly hostname: string;
  readonly state: { readonly word: string; readonly level: Level };
  readonly about: readonly (readonly [string, string | Html])[];
  readonly figures: Pick<Figures, "tiles" | "tables" | "length">;
  readonly identities: readonly ShownIdentity[];
  readonly connections: Parameters<typeof connectionTable>[0];
  readonly time: Date;
}

/** Nothing of others is loaded, sent or framed; script and style are those of the page, by their digests. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  `script-src ${digest(script)}`,
  `style-src ${digest(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Byte for byte what the digests are of. */
const SCRIPT = new Html(`<script>${script}</script>`);
const STYLE = new Html(`<style>${style}</style>`);

function digest(text: string): string {
  return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}

export function writePage(view: View): string {
  const { command, version, hostname, state, time } = view;
  return html`<!doctype html>
    <html lang="en" data-version="${version}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${state.word}: portail ${command} on ${hostname}</title>
        ${STYLE}
      </head>
      <body>
        <header>
          <h1>portail ${command} <bdi>${hostname}</bdi></h1>
          <nav aria-label="Display">
            <span id="state" data-live class="sign ${state.level}">${state.word}</span>
            <span id="pulse" role="status"></span><button type="button" id="pause" hidden>Pause</button>
            <noscript><a href="">Load newer figures</a></noscript>
          </nav>
        </header>
        <main id="live" data-live>
          ${aboutOf(view)} ${tilesOf(view)}
          <div class="tables">
            ${view.figures.tables.map((table) => tableOf(table, view.figures.length))} ${identitiesOf(view)}
            ${connectionTable(view.connections)}
          </div>
        </main>
        <footer>
          <div class="foot">
            <span>portail ${version}</span>
            <span id="time" data-live
              >As of ${timeOf(time)}, lines show the last ${formatAge(view.figures.length * INTERVAL)} ·
              <a href="/_status">JSON</a> · <a href="/metrics">Metrics</a></span
            >
          </div>
        </footer>
        ${SCRIPT}
      </body>
    </html> `.markup;
}

function timeOf(time: Date): Html {
  return html`<time datetime="${time.toISOString()}">${time.toISOString().slice(11, 19)} UTC</time>`;
}

function aboutOf({ about }: View): Html {
  const lines = about.map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<section class="wide" aria-label="About this daemon"><dl class="about">${lines}</dl></section>`;
}

function tilesOf({ figures }: View): Html {
  const tiles = figures.tiles.map(({ tile, value, most, past }) => {
    const rate = tile.type === "counter";
    const main = rate ? rateOf(past.now, tile.unit) : amountOf(value, tile.unit);
    const second = rate ? totalOf(value, tile.unit) : most === undefined ? "" : `of ${amountOf(most, tile.unit)}`;
    return html`<div class="tile">
      <dt>${tile.title}</dt>
      <dd>${main}</dd>
      <dd>
        <small>${second || new Html("&nbsp;")}</small
        >${drawn({ title: tile.title, past, unit: tile.unit, rate, length: figures.length, filled: true })}
      </dd>
    </div>`;
  });
  return html`<dl class="tiles">${tiles}</dl>`;
}

interface Drawing {
  title: string;
  past: Series;
  unit: Unit;
  /** Whether it is one, and not an amount. */
  rate: boolean;
  /** Samples that there might be. */
  length: number;
  filled: boolean;
}

function drawn({ title, past, unit, rate, length, filled }: Drawing): Html {
  const { samples } = past;
  const top = Math.max(0, ...samples);
  const label = `${title}, at most ${rate ? rateOf(top, unit) : amountOf(top, unit)}`;
  return sparkline(samples, length, label, filled);
}

function amountOf(value: number, unit: Unit): string {
  return unit === "bytes" ? formatBytes(value) : formatCount(value);
}

function rateOf(value: number, unit: Unit): string {
  return unit === "share" ? `${formatCount(value * 100)} %` : `${amountOf(value, unit)}/s`;
}

function totalOf(value: number, unit: Unit): string {
  return unit === "share" ? `${formatAge(value)} in all` : `${amountOf(value, unit)} in all`;
}

function tableOf({ title, each, columns, lines, left }: Table, length: number): Html {
  const numbers = columns.map(({ title: name }) => ({ name, numeric: true }));
  const rows = lines.map((line) => lineOf(line, columns, length));
  const rest = left === 0 ? undefined : html`<p class="foot soft">and ${formatCount(left)} more that did less</p>`;
  return html`<section>
    <h2>${title}</h2>
    ${scrolledTable([{ name: each }, { name: "Lately" }, ...numbers], rows)}${rest}
  </section> `;
}

function lineOf({ name, values, past }: Line, columns: Table["columns"], length: number): Html {
  const cells = values.map((value, i) => html`<td class="n">${cellOf(value, columns[i]!.unit)}</td>`);
  const [first = "", ...more] = name;
  const second = more.length === 0 ? undefined : html`<small><bdi>${more.join(" · ")}</bdi></small>`;
  const spark = drawn({ title: name.join(" "), past, unit: "count", rate: true, length, filled: false });
  return html`<tr>
    <th scope="row"><bdi>${first}</bdi>${second}</th>
    <td>${spark}</td>
    ${cells}
  </tr>`;
}

function cellOf(value: number | undefined, unit: Table["columns"][number]["unit"]): Html {
  if (value === undefined) return html`–`;
  if (unit === "up") return value === 1 ? html`<span class="ok">up</span>` : html`<span class="bad">down</span>`;
  return html`${amountOf(value, unit)}`;
}

/** Days before the end of a certificate in which it is said louder. */
const SOON = 7;

function identitiesOf({ identities, time }: View): Html | undefined {
  if (identities.length === 0) return undefined;
  const rows = identities.map(({ role, subject, names, issuer, notAfter }) => {
    const left = (notAfter.getTime() - time.getTime()) / 1000;
    const level: Level = left <= 0 ? "bad" : left < SOON * 86_400 ? "busy" : "ok";
    const when = left <= 0 ? `expired ${formatAge(-left)} ago` : `in ${formatAge(left)}`;
    return html`<tr>
      <th scope="row" data-label="Identity">
        <bdi>${subject === "" ? names[0] : subject}</bdi><small><bdi>${role}</bdi></small>
      </th>
      <td class="text" data-label="Names"><bdi>${names.join(", ")}</bdi></td>
      <td class="text" data-label="Issuer"><bdi>${issuer}</bdi></td>
      <td class="text" data-label="Expires">
        <span class="${level}">${when}</span><small>${formatTime(notAfter)}</small>
      </td>
    </tr>`;
  });
  const headings = ["Identity", "Names", "Issuer", "Expires"].map((name) => ({ name }));
  return html`<section class="wide">
    <h2>Identities</h2>
    ${scrolledTable(headings, rows, true)}
  </section>`;
}
