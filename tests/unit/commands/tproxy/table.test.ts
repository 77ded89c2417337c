/** The firewall table as text, and as nft reads it. */
import { describe, expect, test } from "bun:test";
import { removingText, replacingText, type Capture } from "../../../../commands/tproxy/table.ts";
import { parseCidr } from "../../../../lib/wire/ip.ts";
import { needing } from "../../../support/needs.ts";
import { run } from "../../../support/program.ts";

const BASE: Capture = {
  instance: undefined,
  listenPort: 1019,
  mark: 0x706f7274,
  ports: [443, 5432],
  destinations: [],
  users: [],
  groups: [],
  cgroups: [],
  exemptUsers: [],
  ranges: [],
  dns: undefined,
};
const networks = (...texts: string[]) => texts.map((text) => parseCidr(text)!);
const LIMITED: Capture = {
  ...BASE,
  instance: "web",
  destinations: networks("10.0.0.0/8", "192.0.2.1", "2001:db8::/32"),
  users: [1000, 1001],
  groups: [100],
  exemptUsers: [0],
};

test("captures everybody but ourselves, loopback left out", () => {
  expect(replacingText(BASE)).toBe(`table inet portail {
}
delete table inet portail
table inet portail {
	chain output {
		type nat hook output priority -100; policy accept;
		meta mark 0x706f7274 return
		ip daddr 127.0.0.0/8 return
		ip6 daddr ::1 return
		tcp dport { 443, 5432 } redirect to :1019
	}
}
`);
});

test("limited by destination, user, group and control group, every one with every other", () => {
  const text = replacingText({ ...LIMITED, cgroups: ["a.slice/b.service", "c.slice"] });
  const rest = "meta skuid { 1000, 1001 } meta skgid { 100 } tcp dport { 443, 5432 } redirect to :1019";
  expect(text.match(/^\t\t(?!type).*$/gm)).toEqual([
    "\t\tmeta mark 0x706f7274 return",
    "\t\tmeta skuid { 0 } return",
    ...["ip daddr { 10.0.0.0/8, 192.0.2.1 }", "ip6 daddr { 2001:db8::/32 }"].flatMap((to) => [
      `\t\t${to} socket cgroupv2 level 2 "a.slice/b.service" ${rest}`,
      `\t\t${to} socket cgroupv2 level 1 "c.slice" ${rest}`,
    ]),
  ]);
  expect(text).toContain("table inet portail-web {");
});

const LEADING: Capture = {
  ...BASE,
  users: [1000],
  ranges: networks("198.18.0.0/15", "fd00::/48"),
  dns: { port: 5300, ownUser: 0 },
};

test("questions for names are led to the stub ahead of loopback, and whatever goes to stand-ins is captured", () => {
  expect(replacingText(LEADING).match(/^\t\t(?!type).*$/gm)).toEqual([
    "\t\tmeta mark 0x706f7274 return",
    "\t\tmeta skuid != 0 meta skuid { 1000 } udp dport 53 redirect to :5300",
    "\t\tmeta skuid != 0 meta skuid { 1000 } tcp dport 53 redirect to :5300",
    "\t\tip daddr 127.0.0.0/8 return",
    "\t\tip6 daddr ::1 return",
    "\t\tip daddr { 198.18.0.0/15 } meta skuid { 1000 } meta l4proto tcp redirect to :1019",
    "\t\tip6 daddr { fd00::/48 } meta skuid { 1000 } meta l4proto tcp redirect to :1019",
    "\t\tmeta skuid { 1000 } tcp dport { 443, 5432 } redirect to :1019",
  ]);
});

needing("nft takes it", ["nft", "unshare"], () => {
  const root = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const nft = (text: string) => run(["unshare", ...root, "--net", "nft", "-c", "-f", "-"], { stdin: text });

  test.each([
    ["for everybody", replacingText(BASE)],
    ["limited", replacingText(LIMITED)],
    ["leading", replacingText(LEADING)],
    ["removed", removingText("web")],
  ])("%s", async (_, text) => {
    expect(await nft(text)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  describe("and nothing else", () => {
    test("a port too many is seen", async () => {
      expect((await nft(replacingText({ ...BASE, ports: [70_000] }))).status).toBe(1);
    });
  });
});
