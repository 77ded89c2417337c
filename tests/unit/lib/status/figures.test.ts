/** What the status page shows of a registry: of whatever there is, the busiest first, and no more than is read. */
import { describe, expect, test } from "bun:test";
import { Registry } from "../../../../lib/service/metrics.ts";
import { CarriedCounts, CarriedMetrics } from "../../../../lib/service/carried-metrics.ts";
import { Figures } from "../../../../lib/status/figures.ts";

function mux() {
  const registry = new Registry("portail");
  const metrics = new CarriedMetrics("route", () => new CarriedCounts());
  metrics.register(registry);
  return { metrics, figures: new Figures(registry) };
}

const names = (figures: Figures, title: string) => table(figures, title)?.lines.map(({ name }) => name.join(" "));
const table = (figures: Figures, title: string) => figures.tables.find((one) => one.title === title);
const tile = (figures: Figures, title: string) => figures.tiles.find((one) => one.tile.title === title);

test("a daemon without a metric has no line and no number of it", () => {
  const figures = new Figures(new Registry("portail"));
  figures.sample(0);
  expect(figures.tiles).toEqual([]);
  expect(figures.tables).toEqual([]);
});

test("routes: each with its own numbers, drawn as fast as it grew", () => {
  const { metrics, figures } = mux();
  Object.assign(metrics.of("web"), { open: 2, chosen: 10, refused: 1, sent: 100, received: 200 });
  metrics.of("ssh").chosen = 3;
  figures.sample(0);
  metrics.of("web").chosen = 60;
  figures.sample(5000);
  const routes = table(figures, "Routes")!;
  expect(routes.columns.map(({ title }) => title)).toEqual([
    "Open",
    "Connections",
    "Refused",
    "From clients",
    "To clients",
  ]);
  expect(routes.lines.map(({ name, values }) => [...name, ...values])).toEqual([
    ["web", 2, 60, 1, 100, 200],
    ["ssh", 0, 3, 0, 0, 0],
  ]);
  expect(routes.lines[0]!.past.samples).toEqual([10]);
});

test("numbers of the whole daemon: sums over all, also of what is still open", () => {
  const { metrics, figures } = mux();
  const pair = { client: { received: 5 }, target: { received: 7 } };
  metrics.of("a").sent = 10;
  metrics.of("a").moving.begin(pair);
  metrics.of("b").sent = 20;
  expect(tile(figures, "From clients")!.value).toBe(35);
  expect(tile(figures, "To clients")!.value).toBe(7);
  pair.client.received = 105;
  expect(tile(figures, "From clients")!.value).toBe(135);
  metrics.of("a").moving.end(pair);
  expect(tile(figures, "From clients")!.value).toBe(30);
});

test("decisions by policy and by outcome; what was denied or needs a step counts as denied", () => {
  const { metrics, figures } = mux();
  const decided = (outcome: "allow" | "deny" | "challenge", policy?: string) =>
    metrics.decisions.decided({ outcome, policy } as never);
  metrics.decisions.decided(undefined);
  decided("allow", "staff");
  decided("allow", "staff");
  decided("challenge", "staff");
  decided("deny");
  expect(table(figures, "Decisions by policy")!.lines.map(({ name, values }) => [...name, ...values])).toEqual([
    ["staff", 3],
    ["default", 1],
  ]);
  expect(names(figures, "Decisions by outcome")).toEqual(["allow", "challenge", "deny"]);
  expect(tile(figures, "Denied")!.value).toBe(2);
});

test("errors: those that there were, by reason", () => {
  const { metrics, figures } = mux();
  expect(table(figures, "Errors")).toBeUndefined();
  metrics.refused.with("limit").value = 2;
  metrics.refused.with("never");
  expect(names(figures, "Errors")).toEqual(["Refused limit"]);
});

describe("ten thousand routes", () => {
  const { metrics, figures } = mux();
  for (let i = 0; i < 10_000; i++) metrics.of(`route-${i}`).chosen = i;
  figures.sample(0);
  metrics.of("route-7").chosen += 5;
  figures.sample(5000);

  test("the busiest are shown, the rest is counted", () => {
    const { lines, left } = table(figures, "Routes")!;
    expect(lines.length + left).toBe(10_000);
    expect(lines.length).toBeLessThan(100);
    expect(lines.slice(0, 2).map(({ name }) => name[0])).toEqual(["route-7", "route-9999"]);
  });
});
