/** The page as HTML: hostile texts in every place, and how long certificates are good. */
import { describe, expect, test } from "bun:test";
import { pageOf } from "../../../../lib/status/connections.ts";
import type { Line } from "../../../../lib/status/figures.ts";
import { Series } from "../../../../lib/status/series.ts";
import { writePage, type View } from "../../../../lib/status/page.ts";

const NOW = new Date("2026-05-17T12:00:00Z");

function view(more: Partial<View> = {}): View {
  return {
    command: "socks",
    version: "1",
    hostname: "here",
    state: { word: "Serving", level: "ok" },
    about: [],
    figures: { tiles: [], tables: [], length: 1 },
    identities: [],
    connections: undefined,
    time: NOW,
    ...more,
  };
}

const HOSTILE = [
  `<script>document.title="taken"</script>`,
  `"'><img src=x onerror=alert(1)>`,
  "\u202Egnp.exe",
  `</style><svg onload=alert(1)>`,
  "x".repeat(4096),
];

test.each(HOSTILE)("a hostile text is text, wherever it stands: %p", (text) => {
  const past = new Series();
  const line: Line = { name: [text, text], values: [1], past };
  const table = { title: "T", each: "E", columns: [{ title: "C", unit: "count" as const }], lines: [line], left: 3 };
  const identity = { role: text, subject: text, names: [text, text], issuer: text, notAfter: NOW };
  const describe = () => ({ who: text, client: text, target: text, route: text, state: text });
  const connections = pageOf([{ started: 0, sent: 1, received: 1, describe }], new URLSearchParams(), 1);
  const given = { about: [[text, text]] as const, hostname: text, identities: [identity], connections };
  const page = writePage(view({ ...given, figures: { tiles: [], tables: [table], length: 1 } }));
  const plain = writePage(view({ ...given, about: [["a", "a"]], hostname: "a" }));
  expect(plain.length).toBeLessThan(page.length);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/<\/style/g)).toHaveLength(1);
  expect(page).not.toMatch(/<img|<svg onload|\u202e/i);
  expect(page).not.toContain("x".repeat(400));
});

describe("a certificate", () => {
  const shown = (notAfter: string) => {
    const identity = { role: "r", subject: "CN=a", names: [], issuer: "CN=ca", notAfter: new Date(notAfter) };
    return /<span class="(\w+)">([^<]*)<\/span><small>2/.exec(writePage(view({ identities: [identity] })))!.slice(1);
  };

  test.each([
    ["2026-06-17T12:00:00Z", "ok", "in 31 d"],
    ["2026-05-20T13:00:00Z", "busy", "in 3 d 1 h"],
    ["2026-05-17T12:00:00Z", "bad", "expired 0 s ago"],
    ["2026-05-16T11:00:00Z", "bad", "expired 1 d 1 h ago"],
  ])("that ends at %s: %s, %s", (end, level, words) => expect(shown(end)).toEqual([level, words]));
});

test("what a daemon has none of is not shown", () => {
  const page = writePage(view());
  expect(page).not.toContain("Connections");
  expect(page).not.toContain("Identities");
  expect(page).not.toContain("<table");
});
