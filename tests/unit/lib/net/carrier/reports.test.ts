/** Reports come out of their block as they went in, in order, however many they are and whatever their texts hold. */
import { expect, test } from "bun:test";
import type { Closed, Moved, Opened } from "../../../../../lib/net/carrier/messages.ts";
import { ReportPacker, unpackReports, type PackedReports } from "../../../../../lib/net/carrier/reports.ts";

type Report = { opened: Opened } | { moved: Moved } | { closed: Closed };

function pack(packer: ReportPacker, reports: readonly Report[]): PackedReports {
  for (const report of reports) {
    if ("closed" in report) packer.closed(report.closed);
    else if ("moved" in report) packer.moved(report.moved);
    else packer.opened(report.opened.id, report.opened.way, report.opened.waited, report.opened.who);
  }
  // As between threads.
  return structuredClone(packer.take());
}

function unpack(packed: PackedReports): Report[] {
  const reports: Report[] = [];
  unpackReports(packed, {
    opened: (opened) => reports.push({ opened }),
    moved: (moved) => reports.push({ moved }),
    closed: (closed) => reports.push({ closed }),
  });
  return reports;
}

function opened(id: number, serverName: string | undefined, protocolIds: readonly string[] | undefined): Report {
  const client = { ip: id % 2 === 0 ? "192.0.2.1" : "2001:db8::1", port: 1024 + id };
  return { opened: { id, way: id + 1, waited: id / 4, who: { client, said: { serverName, protocolIds } } } };
}

const anonymous = (id: number): Report => ({ opened: { id, way: 3, waited: 0.5, who: undefined } });

function closed(id: number, by: Closed["by"], errno = 0): Report {
  return { closed: { id, way: 2, sent: 2 ** 40 + id, received: 2 ** 52, lasted: 1234.5, by, errno } };
}

test("each kind, with and without who it was, in order", () => {
  const reports = [
    opened(0, "a.example", ["h2", "http/1.1"]),
    { moved: { id: 0, sent: 2 ** 33, received: 7 } },
    anonymous(1),
    closed(0, "client"),
    opened(2, undefined, undefined),
    closed(2, "upstream", 104),
    closed(1, "idle"),
    closed(3, "lifetime"),
    closed(4, "half_closed"),
    closed(5, "cut"),
  ];
  expect(unpack(pack(new ReportPacker(), reports))).toEqual(reports);
});

test("what is absent is not what is empty", () => {
  const reports = [
    opened(0, undefined, undefined),
    opened(1, "", []),
    opened(2, undefined, []),
    opened(3, "", undefined),
    opened(4, "b.example", [""]),
  ];
  expect(unpack(pack(new ReportPacker(), reports))).toEqual(reports);
});

test("a text is one text, whatever a client puts into it", () => {
  const odd = ["a\nb", "\n", "\t", "\0", "ä,\u2028", "\t\n\t"];
  const reports = [opened(0, "a.example", odd), opened(1, undefined, ["h2"])];
  expect(unpack(pack(new ReportPacker(), reports))).toEqual(reports);
});

test("a block grows, and begins anew once it is taken", () => {
  const packer = new ReportPacker();
  expect(packer.empty).toBe(true);
  for (const count of [3000, 1, 513]) {
    const reports = Array.from({ length: count }, (_, i) =>
      i % 3 === 0 ? closed(i, "upstream") : i % 3 === 1 ? anonymous(i) : opened(i, `n${i}.example`, [`id-${i}`]),
    );
    expect(unpack(pack(packer, reports))).toEqual(reports);
    expect(packer.empty).toBe(true);
  }
  packer.closed({ id: 0, way: 0, lasted: 0, sent: 0, received: 0, by: "client", errno: 0 });
  expect(packer.empty).toBe(false);
});
