/** Dials port 7000 with a firewall mark: `marked-dialer.ts TIMEOUT ADDRESS…`. Says who answered or why nobody did, and how many descriptors that left. */
import { readdirSync } from "node:fs";
import { Dialer, DialError } from "../../lib/net/dial.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";

const [timeout, ...addresses] = process.argv.slice(2);
const dialer = new Dialer(Number(timeout), new KeepAlive(0), 7);
const descriptors = () => readdirSync("/proc/self/fd").length;

// What is opened at the first time stays.
await dialer.open([{ ip: "127.0.0.1", port: 1 }]);
const before = descriptors();
const conn = await dialer.open(addresses.map((ip) => ({ ip, port: 7000 })));
const remote = conn instanceof DialError ? undefined : conn.remote;
if (!(conn instanceof DialError)) conn.destroy();
await Bun.sleep(50);
const said = remote !== undefined && "ip" in remote ? remote.ip : (conn as DialError).kind;
console.log(JSON.stringify({ said, left: descriptors() - before }));
process.exit(0);
