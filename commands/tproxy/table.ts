/** The firewall table of an instance, as `nft -f` takes it: data in, text out. Applies nothing. */
import { formatCidr, type Cidr } from "../../lib/wire/ip.ts";

export interface Capture {
  /** Of the table: `portail`, or `portail-NAME` for a further instance. */
  instance: string | undefined;
  /** Of loopback, where captured connections go. */
  listenPort: number;
  /** Of our own connections, which are not captured. */
  mark: number;
  ports: readonly number[];
  /** Where one is empty it limits nothing. */
  destinations: readonly Cidr[];
  users: readonly number[];
  groups: readonly number[];
  /** Paths without a slash in front. */
  cgroups: readonly string[];
  exemptUsers: readonly number[];
  /** Networks of which every port is captured: their addresses stand for names, and are nobody's. */
  ranges: readonly Cidr[];
  /** Where questions for names are led to, and who asks the true ones: ourselves. */
  dns: { port: number; ownUser: number } | undefined;
}

/** Of nat/output before the system's own (NF_IP_PRI_NAT_DST). */
const PRIORITY = -100;

export function tableName(instance: string | undefined): string {
  return instance === undefined ? "portail" : `portail-${instance}`;
}

/** Replaces the table, whatever it was, in one transaction: at no moment is there none. */
export function replacingText(capture: Capture): string {
  return `${removingText(capture.instance)}${tableText(capture)}`;
}

/** Removes it, also where there is none. */
export function removingText(instance: string | undefined): string {
  const name = tableName(instance);
  return `table inet ${name} {\n}\ndelete table inet ${name}\n`;
}

function tableText(capture: Capture): string {
  const { instance, listenPort, mark, users, groups, exemptUsers, dns } = capture;
  const to = `tcp dport ${set(capture.ports)} redirect to :${listenPort}`;
  const who = [
    ...(users.length === 0 ? [] : [`meta skuid ${set(users)}`]),
    ...(groups.length === 0 ? [] : [`meta skgid ${set(groups)}`]),
  ];
  const rules = [
    `meta mark 0x${mark.toString(16).padStart(8, "0")} return`,
    ...(exemptUsers.length === 0 ? [] : [`meta skuid ${set(exemptUsers)} return`]),
    // Ahead of loopback, where many a resolver is.
    ...(dns === undefined
      ? []
      : ["udp", "tcp"].flatMap((protocol) =>
          product([`meta skuid != ${dns.ownUser}`], cgroupsOf(capture)).map((whose) =>
            [...whose, ...who, `${protocol} dport 53 redirect to :${dns.port}`].join(" "),
          ),
        )),
    ...(capture.destinations.length === 0 ? ["ip daddr 127.0.0.0/8 return", "ip6 daddr ::1 return"] : []),
    ...product(networksOf(capture.ranges), cgroupsOf(capture)).flatMap((where) =>
      capture.ranges.length === 0 ? [] : [[...where, ...who, `meta l4proto tcp redirect to :${listenPort}`].join(" ")],
    ),
    ...product(networksOf(capture.destinations), cgroupsOf(capture)).map((where) => [...where, ...who, to].join(" ")),
  ];
  return [
    `table inet ${tableName(instance)} {`,
    `\tchain output {`,
    `\t\ttype nat hook output priority ${PRIORITY}; policy accept;`,
    ...rules.map((rule) => `\t\t${rule}`),
    `\t}`,
    `}`,
    ``,
  ].join("\n");
}

function networksOf(networks: readonly Cidr[]): string[] {
  const of = (family: 4 | 6) => networks.filter(({ base }) => base.family === family).map(formatCidr);
  return [
    ...(of(4).length === 0 ? [] : [`ip daddr ${set(of(4))}`]),
    ...(of(6).length === 0 ? [] : [`ip6 daddr ${set(of(6))}`]),
  ];
}

function cgroupsOf({ cgroups }: Capture): string[] {
  return cgroups.map((path) => `socket cgroupv2 level ${path.split("/").length} "${path}"`);
}

/** Every one with every other; an empty list is no condition. */
function product(some: readonly string[], others: readonly string[]): string[][] {
  if (some.length === 0) return others.length === 0 ? [[]] : others.map((other) => [other]);
  return others.length === 0 ? some.map((one) => [one]) : some.flatMap((one) => others.map((other) => [one, other]));
}

function set(members: readonly (string | number)[]): string {
  return `{ ${members.join(", ")} }`;
}
