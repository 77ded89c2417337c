/** The figures of a daemon for its status page: values of its metrics now, and what they were in the last minutes. Writes no markup. */
import type { Labels, Registry, Valued } from "../service/metrics.ts";
import { ERRORS, PANELS, TILES, type Column, type Panel, type Source, type Tile } from "./panels.ts";
import { type Reading, Series, SeriesStore } from "./series.ts";

/** Seconds between two samples: with 120 of them, ten minutes are seen. */
export const INTERVAL = 5;

interface TileFigures {
  readonly tile: Tile;
  readonly value: number;
  readonly most: number | undefined;
  readonly past: Series;
}

export interface Line {
  /** Values of the labels. */
  readonly name: readonly string[];
  /** One for each column; undefined where the metric has none for this line. */
  readonly values: readonly (number | undefined)[];
  readonly past: Series;
}

export interface Table {
  readonly title: string;
  readonly each: string;
  readonly columns: readonly Pick<Column, "title" | "unit">[];
  /** The busiest first. */
  readonly lines: readonly Line[];
  /** Lines that are not among these. */
  readonly left: number;
}

/** Lines of a table. */
const MOST_LINES = 40;
const NO_PAST = new Series();

export class Figures {
  readonly #registry: Registry;
  readonly #store = new SeriesStore();
  #sampled: number | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Takes a sample; `now` in milliseconds of a clock that only goes on. Costs what reading the metrics does. */
  sample(now: number): void {
    const seconds = this.#sampled === undefined ? 0 : (now - this.#sampled) / 1000;
    this.#sampled = now;
    this.#store.take(this.#readings(), seconds);
  }

  *#readings(): Iterable<Reading> {
    for (const tile of TILES) {
      const value = this.#sum(tile.of);
      if (value !== undefined) yield { key: keyOfTile(tile), type: tile.type, value };
    }
    for (const panel of PANELS) for (const { key, value } of this.#drawn(panel)) yield { key, type: "counter", value };
    for (const { key, value } of this.#errors()) yield { key, type: "counter", value };
  }

  /** Samples that there are. */
  get length(): number {
    return this.#store.length;
  }

  /** Those that the daemon has. */
  get tiles(): TileFigures[] {
    return TILES.flatMap((tile) => {
      const value = this.#sum(tile.of);
      if (value === undefined) return [];
      const most = tile.most === undefined ? undefined : this.#registry.values(tile.most)[0]?.value;
      return [{ tile, value, most, past: this.#past(keyOfTile(tile)) }];
    });
  }

  /** Those that have a line. */
  get tables(): Table[] {
    const tables = PANELS.map((panel) => this.#table(panel));
    return [...tables, this.#errorTable()].filter(({ lines }) => lines.length > 0);
  }

  #table(panel: Panel): Table {
    const { title, each, columns, by } = panel;
    const byColumn = columns.map((column) => grouped(this.#matching(column), by));
    const lines = this.#drawn(panel).map(({ key, name, group }) => ({
      name,
      values: byColumn.map((values) => values.get(group)?.value),
      past: this.#past(key),
    }));
    return { title, each, columns, ...busiest(lines) };
  }

  #errorTable(): Table {
    const lines = this.#errors().map(({ key, name, value }) => ({ name, values: [value], past: this.#past(key) }));
    return { title: "Errors", each: "What", columns: [{ title: "Times", unit: "count" }], ...busiest(lines) };
  }

  #drawn({ title, by, drawn }: Panel): { key: string; group: string; name: string[]; value: number }[] {
    const groups = grouped(this.#matching(drawn), by);
    return Array.from(groups, ([group, { name, value }]) => ({ key: `${title}\0${group}`, group, name, value }));
  }

  #errors(): { key: string; name: string[]; value: number }[] {
    return ERRORS.flatMap((source) =>
      this.#matching(source)
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => {
          const texts = Object.values(labels);
          return { key: [source.metric, ...texts].join("\0"), name: [source.words, ...texts], value };
        }),
    );
  }

  #past(key: string): Series {
    return this.#store.get(key) ?? NO_PAST;
  }

  /** Undefined where none of them is there. */
  #sum(sources: readonly Source[]): number | undefined {
    const values = sources.flatMap((source) => this.#matching(source));
    return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0);
  }

  #matching({ metric, where = {} }: Source): Valued[] {
    const wanted = Object.entries(where);
    return this.#registry
      .values(metric)
      .filter(({ labels }) => wanted.every(([label, text]) => labels[label] === text));
  }
}

function keyOfTile({ title }: Tile): string {
  return `tile\0${title}`;
}

/** Sums by the values of these labels; what lacks one of them has no line. */
function grouped(values: readonly Valued[], by: readonly string[]): Map<string, { name: string[]; value: number }> {
  const groups = new Map<string, { name: string[]; value: number }>();
  for (const { labels, value } of values) {
    const name = nameOf(labels, by);
    if (name === undefined) continue;
    const key = name.join("\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { name, value });
    else group.value += value;
  }
  return groups;
}

function nameOf(labels: Labels, by: readonly string[]): string[] | undefined {
  const name = by.flatMap((label) => labels[label] ?? []);
  return name.length === by.length ? name : undefined;
}

/** By what they did lately, then by all that they did, then by name. */
function busiest(lines: readonly Line[]): Pick<Table, "lines" | "left"> {
  const weighed = lines.map((line) => ({
    line,
    lately: line.past.sum,
    ever: Math.max(0, ...line.values.map((value) => value ?? 0)),
    name: line.name.join(" "),
  }));
  weighed.sort((a, b) => b.lately - a.lately || b.ever - a.ever || (a.name < b.name ? -1 : 1));
  return { lines: weighed.slice(0, MOST_LINES).map(({ line }) => line), left: Math.max(0, lines.length - MOST_LINES) };
}
