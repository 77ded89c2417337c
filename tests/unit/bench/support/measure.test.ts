/** A round: everyone is measured in what is asked of them, and one that fails keeps nobody else from it. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTarget } from "../../../bench/support/contest.ts";
import type { Contender } from "../../../bench/support/contender.ts";
import { measureRound, type Entrant } from "../../../bench/support/measure.ts";
import { stopAll } from "../../../bench/support/process.ts";
import type { Mode } from "../../../bench/support/rows.ts";

const dir = mkdtempSync(join(tmpdir(), "portail-bench-test-"));
afterEach(async () => {
  await stopAll();
  rmSync(dir, { recursive: true, force: true });
});

const TINY = {
  warmupMs: 20,
  bulkMs: 50,
  rateWarmupMs: 300,
  rateMs: 1500,
  warmupEchoes: 50,
  echoes: 250,
  tunnels: 10,
  settleMs: 0,
};
/** A relay that does nothing but pass on; it is told where by its arguments. */
const RELAY = `
  const { connect, createServer } = require("node:net");
  const [port, to] = process.argv.slice(-2).map(Number);
  createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => {});
  }).listen(port, "127.0.0.1");
`;

function contender(name: string, script: string | undefined): Contender {
  const base: Contender = { name, family: "relay", via: "none", peer: true, programs: [], note: "" };
  if (script === undefined) return base;
  return {
    ...base,
    setup: ({ port, targetPort }) => ({
      daemons: [{ argv: [process.execPath, "-e", script, "--", String(port), String(targetPort)], port }],
      files: {},
    }),
  };
}

test("a relay, the direct connection, and one that does not start", async () => {
  const [targetPort] = await startTarget(1);
  const bench = { dir, targetPort: targetPort!, effort: TINY };
  const entrant = (one: Contender, modes: Mode[]): Entrant => ({ contender: one, modes: new Set(modes), bench });
  const relay = contender("relay", RELAY);
  const direct = contender("direct", undefined);
  const broken = contender("broken", "console.error('not today'); process.exit(1)");
  const said: string[] = [];
  const results = await measureRound(
    [
      entrant(broken, ["rate"]),
      entrant(relay, ["memory", "latency", "bulk", "upload", "rate", "resumed"]),
      entrant(direct, ["memory", "latency", "rate"]),
    ],
    (text) => said.push(text),
  );
  expect(results.get(broken)).toMatchObject({ values: {} });
  expect(results.get(broken)!.problems).toHaveLength(1);
  expect(results.get(broken)!.problems[0]).toContain("not today");
  expect(results.get(relay)!.problems).toEqual([]);
  expect(Object.keys(results.get(relay)!.values).toSorted()).toEqual([
    "bulk-1",
    "bulk-8",
    "cpu-bulk",
    "cpu-rate",
    "cpu-resumed",
    "cpu-upload",
    "latency-p50",
    "latency-p99",
    "pss-base",
    "pss-tunnels",
    "rate",
    "resumed",
    "rss-base",
    "rss-tunnels",
    "upload-1",
    "upload-8",
  ]);
  expect(Object.keys(results.get(direct)!.values)).toEqual(["rate"]);
  // Turns mode by mode, and the order changes from one to the next.
  expect(said.filter((text) => text.startsWith("rate"))).toEqual(["rate: relay direct", "rate: relay relay"]);
}, 60_000);
