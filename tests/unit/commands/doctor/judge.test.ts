/** From facts to findings: what is said of a machine that has everything, and of each thing that one lacks. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { judge } from "../../../../commands/doctor/judge.ts";
import { COMMANDS, type Finding } from "../../../../commands/doctor/finding.ts";
import { machine } from "./machine.ts";

type Changes = NonNullable<Parameters<typeof machine>[0]>;

const findingsOf = (changes: Changes) => new Map(judge(machine(changes)).map((finding) => [finding.code, finding]));

test("a machine that has everything has neither notes nor warnings", () => {
  const findings = judge(machine());
  expect(findings.map(({ code, state }) => `${state} ${code}`)).toEqual([
    "ok program.version",
    "ok cipher.libcrypto",
    "ok openssl.found",
    "ok tokens.configured",
    "ok trust.system",
    "ok ports.all",
    "ok limits.open_files",
    "ok limits.backlog",
    "ok limits.own_ports",
    "ok ipv6.network",
    "ok clock.synchronised",
    "ok systemd.running",
    "ok capture.allowed",
    "ok nft.taken",
    "ok namespaces.work",
  ]);
  expect(findings.filter(({ stops, refuses, advice }) => stops ?? refuses ?? advice)).toEqual([]);
});

/** A machine, and one finding about it: its code, its state, the commands that it stops, and a part of what it says. */
const LACKING: [changes: Changes, code: string, state: Finding["state"], stops: string[], says: RegExp][] = [
  [{ program: { platform: "darwin" } }, "program.platform", "warn", ["tproxy", "tproxy-exec"], /darwin/],
  [{ libraries: { cipher: undefined } }, "cipher.none", "note", [], /libssl3/],
  [{ libraries: { openssl: "there is none in /lib" } }, "openssl.none", "note", [], /there is none in \/lib/],
  [{ libraries: { trust: "no certificate" } }, "trust.none", "note", [], /--cacert/],
  [{ configured: [] }, "tokens.none", "ok", [], /--module/],
  [{ configured: [{ name: "a", path: "a.so", found: false }] }, "tokens.configured_missing", "note", [], /no a\.so/],
  [{ modules: [{ path: "/m.so", found: "it crashed" }] }, "tokens.module_unusable", "warn", [], /it crashed/],
  [
    { modules: [{ path: "/m.so", found: { description: "M 1.0", tokens: [] } }] },
    "tokens.no_token",
    "note",
    [],
    /M 1\.0/,
  ],
  [
    { modules: [{ path: "/m.so", found: { description: "M 1.0", tokens: ["a", "b\n"] } }] },
    "tokens.module",
    "ok",
    [],
    /"a", "b\\n"/,
  ],
  [{ rights: { netBindService: false } }, "ports.privileged", "note", [], /from 1024 .*systemd:NAME/],
  [{ rights: { netAdmin: false } }, "capture.not_allowed", "note", ["tproxy"], /CAP_NET_ADMIN/],
  [{ rights: undefined }, "capture.not_allowed", "note", ["tproxy"], /CAP_NET_ADMIN/],
  [
    { limits: { openFiles: { soft: 1024, hard: 4096, tunnels: 480 } } },
    "limits.few_open_files",
    "note",
    [],
    /1,024, at most 4,096.*480 relayed.*LimitNOFILE=/,
  ],
  [{ limits: { backlog: 128 } }, "limits.short_backlog", "note", [], /128.*somaxconn to 512/],
  [{ limits: { ownPorts: [50_000, 50_999] } }, "limits.few_own_ports", "note", [], /1,000 connections/],
  [{ ipv6: "loopback" }, "ipv6.loopback", "note", [], /IPv4/],
  [{ ipv6: "none" }, "ipv6.none", "note", [], /\[::1\]/],
  [{ clock: { kernel: undefined } }, "clock.unknown", "note", [], /nothing is known/],
  [{ clock: { kernel: { synchronised: false, error: 0 } } }, "clock.unsynchronised", "note", [], /chrony/],
  [{ clock: { now: Date.UTC(2001, 1, 2) } }, "clock.behind", "warn", [], /2001-02-02.*2029-01-01/],
  [{ systemd: { running: false } }, "systemd.absent", "note", [], /foreground/],
  [{ systemd: { version: 247 } }, "systemd.old", "note", [], /247.*252/],
  [{ systemd: { notify: "there" } }, "systemd.notify", "ok", [], /NOTIFY_SOCKET/],
  [{ systemd: { notify: "gone" } }, "systemd.notify_gone", "warn", [], /Type=notify/],
  [{ systemd: { sockets: ["web", "a"] } }, "systemd.sockets", "ok", [], /2 passed: "web", "a"/],
  [{ systemd: { misdirected: true } }, "systemd.sockets_of_another", "warn", [], /LISTEN_PID/],
  [{ firewall: { nft: undefined } }, "nft.missing", "note", [], /--mode anyip/],
  [{ firewall: { nft: undefined, ip: false } }, "nft.missing", "note", ["tproxy"], /ip, for --mode anyip/],
  [{ firewall: { table: "unasked" } }, "nft.unasked", "note", [], /CAP_NET_ADMIN/],
  [{ firewall: { table: { refused: "No such file" } } }, "nft.refused", "warn", [], /"No such file".*--mode anyip/],
  [
    { firewall: { table: { refused: "No such file" }, ip: false } },
    "nft.refused",
    "warn",
    ["tproxy"],
    /"No such file".*not there either/,
  ],
  [{ namespaces: { state: "missing" } }, "namespaces.no_unshare", "note", ["tproxy-exec"], /util-linux/],
  [
    { namespaces: { state: "refused", error: "no", forbidding: ["user.max_user_namespaces = 0"] } },
    "namespaces.refused",
    "note",
    ["tproxy-exec"],
    /"no".*for user\.max_user_namespaces = 0/,
  ],
  [{ namespaces: { state: "refused", error: "no" } }, "namespaces.refused", "note", ["tproxy-exec"], /container/],
];

test.each(LACKING)("%j is %s", (changes, code, state, stops, says) => {
  const finding = findingsOf(changes).get(code)!;
  expect({ state: finding.state, stops: finding.stops ?? [] }).toEqual({ state, stops: stops as never });
  expect(`${finding.text}: ${finding.means} ${finding.advice ?? ""}`).toMatch(says);
  expect(finding.commands).toEqual(expect.arrayContaining([...(finding.stops ?? [])]));
});

describe("what was asked for", () => {
  test("a module that cannot be used refuses", () => {
    expect(findingsOf({ modules: [{ path: "/m.so", found: "no" }] }).get("tokens.module_unusable")!.refuses).toBe(true);
  });

  test("so does a machine without OpenSSL, once a module is named", () => {
    const modules = [{ path: "/m.so", found: { description: "M", tokens: [] } }];
    const without = findingsOf({ libraries: { openssl: "none" } }).get("openssl.none")!;
    const asked = findingsOf({ libraries: { openssl: "none" }, modules }).get("openssl.none")!;
    expect([without, asked].map(({ state, refuses = false }) => [state, refuses])).toEqual([
      ["note", false],
      ["warn", true],
    ]);
  });
});

test("what the kernel does not tell is not judged", () => {
  const limits = { openFiles: undefined, backlog: undefined, firstPort: undefined, ownPorts: undefined };
  const codes = [...findingsOf({ limits }).keys()];
  expect(codes.filter((code) => code.startsWith("limits.") || code.startsWith("ports."))).toEqual([]);
});

test("low ports are free without a right where the kernel says so", () => {
  expect(findingsOf({ rights: { netBindService: false }, limits: { firstPort: 80 } }).get("ports.all")!.text).toMatch(
    /80/,
  );
});

test("a right to every port, and how the units reload, are told by version", () => {
  expect(findingsOf({}).get("systemd.running")!.means).toMatch(/notify-reload/);
  expect(findingsOf({ systemd: { version: 252, journal: false } }).get("systemd.running")!.means).toMatch(
    /^units work, but there is no journal$/,
  );
});

test("every finding is about some command", () => {
  for (const finding of judge(machine())) expect(finding.commands.every((name) => COMMANDS.includes(name))).toBe(true);
});

test("the page of the command has all codes, and no others", () => {
  const page = readFileSync(new URL("../../../../commands/doctor/README.md", import.meta.url), "utf8");
  const [, table = ""] = page.split("## Codes");
  const listed = [...table.matchAll(/`([a-z0-9]+\.[a-z_]+)`/g)].map(([, code]) => code!);
  const found = [{}, ...LACKING.map(([changes]) => changes)].flatMap((changes) => [...findingsOf(changes).keys()]);
  expect(listed.toSorted()).toEqual([...new Set(found)].toSorted());
});
