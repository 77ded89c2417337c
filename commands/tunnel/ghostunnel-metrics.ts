/** The metrics under the names and in the three forms that programs expect who watched ghostunnel. Counts nothing. */
import { hostname } from "node:os";
import type { Summary } from "../../lib/service/instruments.ts";
import { EXPOSITION_TYPE, Registry } from "../../lib/service/metrics.ts";
import type { Answer, Route, Routes } from "../../lib/service/status.ts";
import type { Field, TunnelMetrics } from "./metrics.ts";

/** `gauge` shows in Prometheus' form only. */
const COUNTS: readonly [name: string, field: Field, type: "counter" | "gauge"][] = [
  ["conn.open", "open", "gauge"],
  ["conn.timeout", "cut", "counter"],
  ["accept.total", "accepted", "counter"],
  ["accept.success", "succeeded", "counter"],
  ["accept.error", "failed", "counter"],
  ["accept.timeout", "late", "counter"],
];
const TIMERS: readonly [name: string, field: "handshake" | "lifetime"][] = [
  ["conn.handshake", "handshake"],
  ["conn.lifetime", "lifetime"],
];
const PERCENTILES = [50, 75, 95, 99];

export class GhostunnelMetrics {
  readonly #metrics: TunnelMetrics;
  readonly #prefix: string;
  readonly #registry: Registry;

  /** `prefix` is that of `parsePushSettings`. */
  constructor(metrics: TunnelMetrics, prefix: string) {
    this.#metrics = metrics;
    this.#prefix = prefix;
    this.#registry = new Registry(flatten(prefix));
    for (const [name, field, type] of COUNTS) {
      this.#registry.read(type, flatten(name), name, () => metrics.sum(field));
    }
    for (const [name, field] of TIMERS) this.#registry.add(flatten(name), `${name}, in nanoseconds`, metrics[field]);
  }

  /** A list of `{timestamp, metric, value, hostname}`; `timestamp` in seconds since the epoch. */
  json(): string {
    const timestamp = seconds();
    const host = hostname();
    const list = [...this.#values()].map(([name, , value]) => {
      return { timestamp, metric: `${this.#prefix}.${name}`, value, hostname: host };
    });
    return JSON.stringify(list);
  }

  /** Lines of Graphite's plaintext protocol; single values end in `.count` there. */
  graphite(): string {
    const timestamp = seconds();
    const lines = Array.from(this.#values(), ([name, suffix, value]) => {
      return `${this.#prefix}.${name}${suffix} ${value} ${timestamp}\n`;
    });
    return lines.join("");
  }

  prometheus(): string {
    return this.#registry.expose();
  }

  /** `/_metrics`, `/_metrics/json` and `/_metrics/prometheus`. */
  routes(): Routes {
    const json = (): Answer => ({ status: 200, type: "application/json", body: this.json() });
    const prometheus = (): Answer => ({ status: 200, type: EXPOSITION_TYPE, body: this.prometheus() });
    const byFormat = (query: URLSearchParams): Answer => {
      const format = query.get("format") ?? "json";
      if (format === "json") return json();
      if (format === "prometheus") return prometheus();
      return { status: 400, type: "text/plain; charset=utf-8", body: "format is json or prometheus\n" };
    };
    const get = (answer: Route["answer"]): Route => ({ method: "GET", answer });
    return new Map([
      ["/_metrics", get(byFormat)],
      ["/_metrics/json", get(json)],
      ["/_metrics/prometheus", get(prometheus)],
    ]);
  }

  /** Name, what Graphite's form adds to it, value. */
  *#values(): Iterable<[name: string, suffix: string, value: number]> {
    for (const [name, field] of COUNTS) yield [name, ".count", this.#metrics.sum(field)];
    for (const [name, field] of TIMERS) {
      for (const [part, value] of timerValues(this.#metrics[field])) yield [`${name}.${part}`, "", value];
    }
  }
}

function timerValues(timer: Summary): [part: string, value: number][] {
  const quantiles = timer.quantiles(PERCENTILES.map((percent) => percent / 100));
  return [
    ["count", timer.count],
    ["min", timer.min],
    ["max", timer.max],
    ["mean", timer.mean],
    ...PERCENTILES.map((percent, i): [string, number] => [`${percent}-percentile`, quantiles[i]!]),
  ];
}

/** A dotted name as Prometheus takes it. */
export function flatten(name: string): string {
  return name.replaceAll(/[ .\-=/]/g, "_");
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
