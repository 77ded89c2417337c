/** Metrics and their text, read by Prometheus' own parser for Python. */
import { describe, expect, test } from "bun:test";
import { Counter, Histogram, Summary } from "../../../../lib/service/instruments.ts";
import { Registry } from "../../../../lib/service/metrics.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { parseExposition, PROMETHEUS } from "../../../support/prometheus.ts";

test("two of one name, and a name that is none, are mistakes of the program", () => {
  const registry = new Registry("portail");
  registry.add("x_total", "X", new Counter());
  expect(() => registry.add("x_total", "X", new Summary())).toThrow("portail_x_total");
  expect(() => registry.add("x-y", "X", new Summary())).toThrow("portail_x-y");
});

describe("a family", () => {
  test("gives the same member for the same values", () => {
    const family = new Registry("portail").family("x_total", "X", ["a", "b"], () => new Counter());
    family.with("1", "2").value++;
    family.with("1", "2").value++;
    expect(family.with("1", "2").value).toBe(2);
    expect(family.with("12", "").value).toBe(0);
  });

  test("is bounded: what comes late is counted together", () => {
    const registry = new Registry("portail");
    const family = registry.family("x_total", "X", ["who"], () => new Counter());
    for (let i = 0; i < 10_000; i++) family.with(`client ${i}`).value++;
    const lines = registry.expose().trimEnd().split("\n");
    expect(lines).toHaveLength(2 + 101);
    expect(lines.at(-1)).toBe('portail_x_total{who="other"} 9900');
    expect(lines[2]).toBe('portail_x_total{who="client 0"} 1');
  });
});

describe("a summary", () => {
  const filled = (values: number[]) => {
    const summary = new Summary();
    for (const value of values) summary.observe(value);
    return summary;
  };

  test("of nothing is all zeros", () => {
    const { count, min, max, mean } = new Summary();
    expect([count, min, max, mean, ...new Summary().quantiles([0.5, 0.99])]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("of one value is that value", () => {
    const summary = filled([7]);
    expect([summary.min, summary.max, summary.mean, ...summary.quantiles([0, 0.5, 1])]).toEqual([7, 7, 7, 7, 7, 7]);
  });

  test("has exact quantiles of a hundred, whatever their order", () => {
    const shuffled = Array.from({ length: 99 }, (_, i) => ((i * 37) % 99) + 1);
    expect(filled(shuffled).quantiles([0.5, 0.75, 0.95, 0.99])).toEqual([50, 75, 95, 99]);
  });

  test("has the extremes and the mean of all, and quantiles of the last thousand or so", () => {
    const summary = filled([-5, 1000, ...Array.from({ length: 2000 }, () => 3)]);
    expect([summary.min, summary.max, summary.count]).toEqual([-5, 1000, 2002]);
    expect(summary.mean).toBeCloseTo(6995 / 2002, 9);
    expect(summary.quantiles([0.01, 0.99])).toEqual([3, 3]);
  });
});

const absent = missing([PROMETHEUS]);
if (absent.length > 0) leaveOut("the parser of Prometheus reads our metrics", absent);
else {
  describe("the parser reads", () => {
    test("counters and readings", async () => {
      const registry = new Registry("portail");
      registry.add("a_total", "Of A", new Counter()).value += 3;
      registry.read("gauge", "b", "Of B", () => -0.5);
      registry.read("gauge", "c", "Of C", () => Number.POSITIVE_INFINITY);
      registry.read("counter", "d_total", "Of D", () => [[{ way: "in" }, 1e21] as const, [{ way: "out" }, 2] as const]);
      const read = await parseExposition(registry.expose());
      expect([...read]).toEqual([
        ["portail_a", { type: "counter", help: "Of A", samples: [sample("portail_a_total", {}, "3.0")] }],
        ["portail_b", { type: "gauge", help: "Of B", samples: [sample("portail_b", {}, "-0.5")] }],
        ["portail_c", { type: "gauge", help: "Of C", samples: [sample("portail_c", {}, "inf")] }],
        [
          "portail_d",
          {
            type: "counter",
            help: "Of D",
            samples: [
              sample("portail_d_total", { way: "in" }, "1e+21"),
              sample("portail_d_total", { way: "out" }, "2.0"),
            ],
          },
        ],
      ]);
    });

    test.each(["plain", 'quo"te', "back\\slash", "new\nline", "\\n", 'all\\"\n', '{a="b"} 1', "", "żółć"])(
      "the label value %j as it was",
      async (value) => {
        const registry = new Registry("portail");
        registry.family("x_total", `help ${value}`, ["l", "m"], () => new Counter()).with(value, "after").value = 1;
        const read = await parseExposition(registry.expose());
        expect(read.get("portail_x")!.samples).toEqual([sample("portail_x_total", { l: value, m: "after" }, "1.0")]);
        expect(read.size).toBe(1);
      },
    );

    test("a histogram: bounds are inclusive, buckets cumulative, the last holds all", async () => {
      const registry = new Registry("portail");
      const histogram = registry.add("wait_seconds", "Waits", new Histogram([0.1, 1]));
      for (const value of [0.05, 0.1, 0.5, 1, 30]) histogram.observe(value);
      const { type, samples } = (await parseExposition(registry.expose())).get("portail_wait_seconds")!;
      expect(type).toBe("histogram");
      expect(samples).toEqual([
        sample("portail_wait_seconds_bucket", { le: "0.1" }, "2.0"),
        sample("portail_wait_seconds_bucket", { le: "1" }, "4.0"),
        sample("portail_wait_seconds_bucket", { le: "+Inf" }, "5.0"),
        sample("portail_wait_seconds_sum", {}, "31.65"),
        sample("portail_wait_seconds_count", {}, "5.0"),
      ]);
    });

    test("a summary, also of nothing", async () => {
      const registry = new Registry("portail");
      registry.add("empty", "None", new Summary());
      const summary = registry.add("two", "Two", new Summary());
      summary.observe(1);
      summary.observe(3);
      const read = await parseExposition(registry.expose());
      expect(read.get("portail_empty")!.samples[0]).toEqual(sample("portail_empty", { quantile: "0.5" }, "nan"));
      const { type, samples } = read.get("portail_two")!;
      expect(type).toBe("summary");
      expect(samples).toEqual([
        sample("portail_two", { quantile: "0.5" }, "2.0"),
        sample("portail_two", { quantile: "0.75" }, "3.0"),
        sample("portail_two", { quantile: "0.95" }, "3.0"),
        sample("portail_two", { quantile: "0.99" }, "3.0"),
        sample("portail_two_sum", {}, "4.0"),
        sample("portail_two_count", {}, "2.0"),
      ]);
    });
  });
}

function sample(name: string, labels: Record<string, string>, value: string) {
  return { name, labels, value };
}
