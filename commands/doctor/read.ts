/** Looks at the machine and at this process: all that findings are made of. Changes nothing, and ends in bounded time. */
import { statSync } from "node:fs";
import type { Runtime } from "../../lib/command/runtime.ts";
import { kernelClock } from "../../lib/ffi/kernel-clock.ts";
import type { ClockFacts, Facts, ProgramFacts } from "./facts.ts";
import { parseIpv6, parseRights } from "./parse.ts";
import { readConfigured, readLibraries, readModules } from "./read-libraries.ts";
import { readFirewall, readLimits, readNamespaces, readSystemd, readText } from "./read-system.ts";

/** `modules` are paths of PKCS#11 modules that are to be loaded; without any, those of p11-kit are told, and none is loaded. */
export async function readFacts(runtime: Runtime, modules: readonly string[]): Promise<Facts> {
  const rights = parseRights(readText("/proc/self/status") ?? "");
  const [found, namespaces, systemd, firewall] = await Promise.all([
    Promise.all(readModules(runtime, modules)),
    readNamespaces(),
    readSystemd(runtime.env),
    readFirewall(rights?.netAdmin ?? false),
  ]);
  return {
    program: readProgram(runtime.version),
    libraries: readLibraries(runtime, modules.length > 0),
    modules: found,
    configured: modules.length > 0 ? [] : readConfigured(),
    rights,
    namespaces,
    limits: readLimits(),
    systemd,
    firewall,
    clock: readClock(),
    ipv6: parseIpv6(readText("/proc/net/if_inet6") ?? ""),
  };
}

function readProgram(version: string): ProgramFacts {
  const { platform, arch } = process;
  return { version, runtime: `Bun ${Bun.version}`, compiled: import.meta.dir.startsWith("/$bunfs/"), platform, arch };
}

function readClock(): ClockFacts {
  return {
    now: Date.now(),
    written: statSync(process.execPath, { throwIfNoEntry: false })?.mtimeMs,
    kernel: kernelClock(),
  };
}
