/** `npm run bench -- NAME [options]`: runs one benchmark, prints its report and keeps it in RESULTS.md. Measures nothing itself. */
import { join } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { nearest } from "../../lib/command/nearest.ts";
import { runInOwnNetwork, type OwnNetwork } from "./support/own-network.ts";
import { isClosing, shutDown } from "./support/process.ts";
import { replaceSection } from "./support/table.ts";

export interface Report {
  markdown: string;
  /** A run of full length with all rows: only such a one is kept. */
  keep: boolean;
  passed: boolean;
}

type Benchmark = (argv: string[]) => Promise<Report>;

interface BenchmarkModule {
  default: Benchmark;
  /** Where it opens so many connections that those that are over must be forgotten, or captures some. */
  ownNetwork?: OwnNetwork;
}

const BENCHMARKS: Record<string, () => Promise<BenchmarkModule>> = {
  acl: () => import("./acl.ts"),
  fronts: () => import("./fronts.ts"),
  mux: () => import("./mux.ts"),
  s3crypt: () => import("./s3crypt.ts"),
  "s3crypt-proxy": () => import("./s3crypt-proxy.ts"),
  socks: () => import("./socks.ts"),
  "socks-h2": () => import("./socks-h2.ts"),
  "socks-udp": () => import("./socks-udp.ts"),
  tokens: () => import("./tokens.ts"),
  tproxy: () => import("./tproxy.ts"),
  "tproxy-dns": () => import("./tproxy-dns.ts"),
  tunnel: () => import("./tunnel.ts"),
};

const RESULTS = join(import.meta.dir, "RESULTS.md");
const HEAD =
  "# Benchmarks\n\nWritten by `npm run bench -- NAME`, one section per benchmark. Ratios above 1 mean that portail is better.\n";

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => void shutDown().finally(() => process.exit(status)));
}

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...argv]: string[]): Promise<number> {
  try {
    const { default: benchmark, ownNetwork } = await find(name);
    const status = ownNetwork && (await runInOwnNetwork(ownNetwork));
    if (status !== undefined) return status;
    const report = await benchmark(argv);
    if (isClosing()) return EXIT.no;
    process.stdout.write(`${report.markdown}\n`);
    if (report.keep) await keep(name!, report.markdown);
    return report.passed ? EXIT.done : EXIT.no;
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    process.stderr.write(`bench: ${error.message} [${error.code}]\n${error.hint ? `  hint: ${error.hint}\n` : ""}`);
    return error.exit;
  } finally {
    await shutDown();
  }
}

async function find(name: string | undefined): Promise<BenchmarkModule> {
  const load = Object.hasOwn(BENCHMARKS, name ?? "") ? BENCHMARKS[name!] : undefined;
  if (load !== undefined) return load();
  const names = Object.keys(BENCHMARKS);
  const guess = nearest(name ?? "", names);
  throw new PortailError(name === undefined ? "no benchmark named" : `unknown benchmark ${JSON.stringify(name)}`, {
    code: "bench.unknown",
    exit: EXIT.usage,
    hint: guess === undefined ? `one of: ${names.join(", ")}` : `did you mean ${guess}?`,
  });
}

async function keep(name: string, markdown: string): Promise<void> {
  const file = Bun.file(RESULTS);
  const text = (await file.exists()) ? await file.text() : HEAD;
  await Bun.write(RESULTS, replaceSection(text, name, markdown));
  process.stderr.write("kept in tests/bench/RESULTS.md\n");
}
