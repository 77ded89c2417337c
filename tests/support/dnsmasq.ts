/** dnsmasq as the real resolver of a scene: records of its own, and a log of what it was asked. */
import { freePort } from "./free-port.ts";
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";

export interface Dnsmasq {
  port: number;
  program: Program;
  /** Names and types that it was asked for since it began. */
  queries(): string[];
}

/** `records` are flags of dnsmasq; what they do not have does not exist. `prefix` stands before its command line. */
export async function startDnsmasq(
  scene: Scene,
  records: readonly string[],
  prefix: readonly string[] = [],
): Promise<Dnsmasq> {
  const port = freePort();
  const program = start(scene, [
    ...prefix,
    "dnsmasq",
    "--keep-in-foreground",
    "--no-resolv",
    "--no-hosts",
    "--log-facility=-",
    "--log-queries",
    "--edns-packet-max=4096",
    "--local=/example/",
    `--port=${port}`,
    "--listen-address=127.0.0.1",
    "--bind-interfaces",
    `--pid-file=${scene.path(`dnsmasq-${port}.pid`)}`,
    ...records,
  ]);
  await program.output("stderr", /started/);
  const queries = () =>
    [...program.stderr.matchAll(/query\[([^\]]+)\] (\S+)/g)].map(([, type, name]) => `${name} ${type}`);
  return { port, program, queries };
}
