/** 10,000 requests in two protocols: promtool accepts the metrics, and their sums are those of the audit. */
import { expect, test } from "bun:test";
import type { DecisionEvent } from "../../../lib/audit/event.ts";
import { bytesUntilEnd, openEchoOnce } from "../../support/once.ts";
import { openNames } from "../../support/names.ts";
import { run } from "../../support/program.ts";
import { parseExposition, PROMETHEUS } from "../../support/prometheus.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const REQUESTS = 10_000;
const AT_ONCE = 40;

scenario(import.meta.file, ["curl", "promtool", PROMETHEUS], ({ scene, portail }) => {
  test("decisions, policies, reasons, ends, rejects and bytes", async () => {
    const port = openEchoOnce(scene);
    const many = Array.from({ length: 150 }, (_, i) => `policy p${i} { when host == "h${i}.example" action deny }`);
    const policy = `
policy away { when host == "away.example" action redirect "127.0.0.1" }
policy step { when host == "step.example" action challenge "first this" }
policy closed { when host == "closed.example" action deny }
policy asks { when host == "asks.example" and client.cn == "alice" action allow }
policy port_only { when port == 22 action allow }
${many.join("\n")}
policy local { when dest.ip == 127.0.0.1 action allow }`;
    const proxy = await portail.socks({
      policy,
      args: ["--status", "127.0.0.1:0", "--resolver", (await openNames(scene, {})).address],
    });
    const targets = [
      ["127.0.0.1", port],
      ["127.0.0.1", port],
      ["127.0.0.1", port],
      ["away.example", port],
      ["127.0.0.1", 1],
      ["127.0.0.2", 22],
      ["step.example", 80],
      ["closed.example", 80],
      ["asks.example", 80],
      ["other.example", 80],
      ["bad..example", 80],
    ] as const;
    const ask = (i: number) => {
      const [host, to] =
        i % 20 === 19 ? ([`h${Math.floor(i / 20) % 150}.example`, 80] as const) : targets[i % targets.length]!;
      const word = "x".repeat(i % 500);
      return bytesUntilEnd(proxy.port, i % 2 === 0 ? socks5(host, to, word) : connect(host, to, word));
    };
    let next = 0;
    const lane = async () => {
      while (next < REQUESTS) await ask(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const lines = await until("every line of the audit", () => {
      const seen = proxy.audit();
      // What the policy may allow has an end, also where its name does not resolve.
      const begun = ({ decision, reason }: DecisionEvent) => decision === "allow" || reason === "unresolved";
      const allowed = seen.filter((line) => line.event === "decision" && begun(line)).length;
      const ends = seen.filter((line) => line.event === "close").length;
      const come = seen.filter((line) => line.event === "decision" || line.event === "reject").length;
      return come === REQUESTS && ends === allowed && seen;
    });
    const page = await proxy.metrics();
    expect(await run(["promtool", "check", "metrics"], { stdin: page })).toMatchObject({
      status: 0,
      stdout: "",
      stderr: "",
    });
    const families = await parseExposition(page);
    const counter = (name: string) => {
      const samples = families.get(`portail_${name}`)!.samples;
      return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels)[0] ?? "", Number(value)]));
    };
    const decisions = lines.filter((line) => line.event === "decision");
    const closes = lines.filter((line) => line.event === "close");
    expect(counter("decisions")).toMatchObject(tally(decisions, ({ decision }) => decision));
    expect(counter("decision_reasons")).toEqual(tally(decisions, ({ reason }) => reason));
    const byPolicy = tally(decisions, ({ policy }) => policy ?? "default");
    const { other, ...named } = counter("policy_decisions");
    expect(Object.keys(named)).toHaveLength(100);
    expect(byPolicy).toMatchObject(named);
    expect(other! + sum(Object.values(named))).toBe(decisions.length);
    expect(counter("ends")).toEqual(tally(closes, ({ reason }) => reason));
    expect(counter("rejects")).toEqual(
      tally(
        lines.filter((line) => line.event === "reject"),
        ({ reason }) => reason,
      ),
    );
    expect(counter("upstream_bytes")).toEqual({
      sent: sum(closes.map(({ sent }) => sent)),
      received: sum(closes.map(({ received }) => received)),
    });
    expect(sum(closes.map(({ sent }) => sent))).toBeGreaterThan(100_000);
    expect(counter("connections")[""]).toBe(REQUESTS);
    expect(counter("tunnels")[""]).toBe(closes.filter(({ dest }) => dest !== undefined).length);
    expect(counter("audit_lost_lines")[""]).toBe(0);
    const samples = [...families.values()].flatMap((family) => family.samples);
    const count = (name: string) => Number(samples.find((sample) => sample.name === `portail_${name}_count`)!.value);
    expect(count("dial_seconds")).toBe(counter("tunnels")[""]!);
    expect(count("policy_evaluation_seconds")).toBeGreaterThanOrEqual(decisions.length);
    // Nothing that a client says is a label.
    expect(page).not.toMatch(/bad\.\.|other\.example|127\.0\.0\.2/);
  }, 120_000);
});

function connect(host: string, port: number, word: string): Buffer {
  return Buffer.from(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n${word}`);
}

/** RFC 1928: method, request and the first bytes of the tunnel in one go. */
function socks5(host: string, port: number, word: string): Buffer {
  const literal = /^[\d.]+$/.test(host);
  const address = literal
    ? Buffer.from([1, ...host.split(".").map(Number)])
    : Buffer.from([3, host.length, ...Buffer.from(host)]);
  return Buffer.concat([
    Buffer.from([5, 1, 0, 5, 1, 0]),
    address,
    Buffer.from([port >> 8, port & 255]),
    Buffer.from(word),
  ]);
}

function tally<T>(all: readonly T[], key: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of all) counts[key(one)] = (counts[key(one)] ?? 0) + 1;
  return counts;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
