/** Looks at the kernel, the service manager and the programs that capturing takes. Changes nothing. */
import { existsSync, readFileSync } from "node:fs";
import type { Runtime } from "../../lib/command/runtime.ts";
import { JOURNALD } from "../../lib/audit/settings.ts";
import { listenNames } from "../../lib/net/inherited.ts";
import { defaultTunnels } from "../../lib/service/descriptors.ts";
import { systemProgram } from "../../lib/service/system-programs.ts";
import type { FirewallFacts, LimitFacts, NamespaceFacts, SystemdFacts } from "./facts.ts";
import { parseNftVersion, parseNumber, parseOpenFiles, parsePorts, parseSystemdVersion } from "./parse.ts";
import { probe } from "./probe.ts";

/** A table with what tproxy's is made of: NAT of both families, the user, a redirection. It is checked only. */
const TABLE = `table inet portail_doctor {
  chain output {
    type nat hook output priority -100; policy accept;
    meta skuid 0 tcp dport 1 redirect to :1
  }
}
`;
/** A file of its own in place of another, seen by nobody else, and gone with the program. */
const OWN_FILE = ["/bin/sh", "-c", "mount --bind /etc/hosts /etc/hosts"];
/** Settings that forbid user namespaces, and the value with which they do. */
const FORBIDDING: readonly (readonly [name: string, value: string])[] = [
  ["user.max_user_namespaces", "0"],
  ["kernel.unprivileged_userns_clone", "0"],
  ["kernel.apparmor_restrict_unprivileged_userns", "1"],
];

/** The text of a file of the kernel; undefined where there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const sysctl = (name: string): string | undefined => readText(`/proc/sys/${name.replaceAll(".", "/")}`)?.trim();

export function readLimits(): LimitFacts {
  const openFiles = parseOpenFiles(readText("/proc/self/limits") ?? "");
  return {
    openFiles: openFiles && { ...openFiles, tunnels: defaultTunnels() },
    backlog: parseNumber(sysctl("net.core.somaxconn") ?? ""),
    firstPort: parseNumber(sysctl("net.ipv4.ip_unprivileged_port_start") ?? ""),
    ownPorts: parsePorts(sysctl("net.ipv4.ip_local_port_range") ?? ""),
  };
}

/** As `portail tproxy exec` has it: root needs no user namespace. */
export async function readNamespaces(): Promise<NamespaceFacts> {
  const unshare = systemProgram("unshare");
  if (unshare === undefined) return { state: "missing", error: "", forbidding: [] };
  const root = process.getuid?.() === 0;
  const { status, stderr } = await probe([
    unshare,
    ...(root ? [] : ["--user", "--map-root-user"]),
    "--mount",
    "--",
    ...OWN_FILE,
  ]);
  if (status === 0) return { state: "works", error: "", forbidding: [] };
  const forbidding = FORBIDDING.filter(([name, value]) => sysctl(name) === value);
  return { state: "refused", error: stderr, forbidding: forbidding.map(([name, value]) => `${name} = ${value}`) };
}

export async function readSystemd(env: Runtime["env"]): Promise<SystemdFacts> {
  const running = existsSync("/run/systemd/system");
  const systemctl = systemProgram("systemctl");
  const answer = running && systemctl !== undefined ? await probe([systemctl, "--version"]) : undefined;
  const sockets = listenNames(env);
  return {
    running,
    version: parseSystemdVersion(answer?.stdout ?? ""),
    journal: existsSync(JOURNALD),
    notify: readNotify(env["NOTIFY_SOCKET"] ?? ""),
    sockets,
    misdirected: sockets.length === 0 && env["LISTEN_FDS"] !== undefined,
  };
}

/** Of an abstract socket (`@name`) nothing is to be seen. */
function readNotify(address: string): SystemdFacts["notify"] {
  if (address === "") return "none";
  return address.startsWith("@") || existsSync(address) ? "there" : "gone";
}

/** `allowed`: whether the kernel may be asked. */
export async function readFirewall(allowed: boolean): Promise<FirewallFacts> {
  const path = systemProgram("nft");
  const ip = systemProgram("ip") !== undefined;
  if (path === undefined) return { nft: undefined, table: "unasked", ip };
  const version = await probe([path, "--version"]);
  const nft = { path, version: parseNftVersion(version.stdout) };
  if (!allowed) return { nft, table: "unasked", ip };
  const { status, stderr } = await probe([path, "--check", "--file", "-"], TABLE);
  return { nft, table: status === 0 ? "taken" : { refused: stderr.split("\n")[0]! }, ip };
}
