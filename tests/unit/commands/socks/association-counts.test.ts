/** Metrics of datagrams: names, and that what is counted is what is shown. */
import { expect, test } from "bun:test";
import { addDatagramMetrics, DatagramCounts, dropOf, DROPS } from "../../../../commands/socks/association-counts.ts";
import { Registry } from "../../../../lib/service/metrics.ts";

test("each count stands under its name", () => {
  const counts = new DatagramCounts();
  const registry = new Registry("portail");
  addDatagramMetrics(registry, counts);
  Object.assign(counts, { associations: 3, open: 2, sent: 5, received: 4, sentBytes: 50, receivedBytes: 40 });
  counts.drops.denied = 7;
  const lines = registry
    .expose()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.endsWith(" 0"));
  expect(lines).toEqual([
    "portail_udp_associations_total 3",
    "portail_udp_associations_open 2",
    'portail_udp_datagrams_total{direction="sent"} 5',
    'portail_udp_datagrams_total{direction="received"} 4',
    'portail_udp_bytes_total{direction="sent"} 50',
    'portail_udp_bytes_total{direction="received"} 40',
    'portail_udp_dropped_total{reason="denied"} 7',
  ]);
  expect(Object.keys(counts.drops)).toEqual([...DROPS]);
});

test("what the system says of a datagram", () => {
  const said = ["EAGAIN", "ENOBUFS", "EMSGSIZE", "ENETUNREACH", "EPERM"].map(dropOf);
  expect(said).toEqual(["full", "full", "too_big", "unreachable", "unreachable"]);
});
