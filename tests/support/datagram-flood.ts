/** A program: floods an association of its own with datagrams to a target, as fast as it can. Its arguments are the ports of proxy and target, and milliseconds. */
import { Associated, datagramHeader } from "./associated.ts";

const [proxy, target, time] = process.argv.slice(2).map(Number) as [number, number, number];
const { relay } = await Associated.open(proxy);
const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { error() {} } });
const datagram = Buffer.concat([datagramHeader("127.0.0.1", target), Buffer.alloc(64)]);
const many = Array.from({ length: 64 }, () => [datagram, relay.port, relay.ip]).flat();
process.stdout.write("flooding\n");
for (const end = performance.now() + time; performance.now() < end;) {
  try {
    socket.sendMany(many);
  } catch {
    // The system's buffer is full: on with it.
  }
}
process.exit(0);
