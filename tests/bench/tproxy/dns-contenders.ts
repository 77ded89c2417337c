/** Who answers names in the benchmark of the stub: portail and dnsmasq, each as one process on one core, and what is behind them. Starts nothing itself. */
import { join } from "node:path";

export const NAMES = 1000;

/** What dnsperf is fed with, and what dnsmasq knows. */
export function dnsFiles(): Record<string, string> {
  const each = (line: (i: number) => string) => Array.from({ length: NAMES }, (_, i) => `${line(i)}\n`).join("");
  return {
    "local.queries": each((i) => `n${i}.mapped.example A`),
    "forwarded.queries": each((i) => `n${i}.real.example A`),
    "local.hosts": each((i) => `198.18.${i >> 8}.${i & 255} n${i}.mapped.example`),
    "real.hosts": each((i) => `192.0.2.${i % 250} n${i}.real.example`),
  };
}

function dnsmasq(dir: string, port: number, more: readonly string[]): string[] {
  const common = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--log-facility=-", "--bind-interfaces"];
  const listen = ["--listen-address=127.0.0.1", `--port=${port}`, `--pid-file=${join(dir, `dnsmasq-${port}.pid`)}`];
  return ["dnsmasq", ...common, ...listen, ...more];
}

/** The resolver behind both. */
export const upstream = (dir: string, port: number) => dnsmasq(dir, port, [`--addn-hosts=${join(dir, "real.hosts")}`]);

export interface DnsContender {
  name: "portail" | "dnsmasq";
  note: string;
  argv(dir: string, port: number, upstreamPort: number): string[];
}

/** `command` starts portail: its words up to the subcommand. */
export function dnsContenders(command: string): DnsContender[] {
  return [
    {
      name: "portail",
      note: "one process, 1,000 names by a pattern, their file kept, no audit; forwards without a cache",
      argv: (dir, port, behind) => [
        ...command.split(" ").filter((part) => part !== ""),
        "tproxy",
        "dns",
        "--listen",
        `127.0.0.1:${port}`,
        "--match",
        "**.mapped.example",
        "--state",
        join(dir, "names"),
        "--upstream",
        `127.0.0.1:${behind}`,
      ],
    },
    {
      name: "dnsmasq",
      note: "the same names from a hosts file; `--cache-size=0`, so that it forwards as often; `--dns-forward-max` as portail's limit",
      argv: (dir, port, behind) =>
        dnsmasq(dir, port, [
          `--addn-hosts=${join(dir, "local.hosts")}`,
          "--cache-size=0",
          "--dns-forward-max=1024",
          `--server=127.0.0.1#${behind}`,
        ]),
    },
  ];
}
