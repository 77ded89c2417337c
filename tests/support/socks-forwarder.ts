/** A way for programs that know no SOCKS: a UDP port whose datagrams PySocks sends through a proxy (socks-forwarder.py). Asserts nothing. */
import { resolve } from "node:path";
import { start } from "./program.ts";
import type { Scene } from "./scene.ts";

/** To be named as a need of what calls `forwarder`. */
export const PYSOCKS = "python3:socks.py";

/** The port of 127.0.0.1 that leads to `host` and `port` by way of the proxy at `proxyPort`. `prefix` stands before the command line. */
export async function forwarder(
  scene: Scene,
  proxyPort: number,
  host: string,
  port: number,
  prefix: readonly string[] = [],
): Promise<number> {
  const script = resolve(import.meta.dir, "socks-forwarder.py");
  const program = start(scene, [...prefix, "/usr/bin/python3", script, String(proxyPort), host, String(port)]);
  const [, own] = await program.output("stdout", /^(\d+)\n/);
  return Number(own);
}
