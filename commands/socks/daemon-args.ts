/** What `portail daemon` was told, in the flags of `portail socks`. Opens nothing. */
import { completeArgs, type ArgValue } from "../../lib/command/argv.ts";
import { emptyTables, type ConfigTables, type TableRow } from "../../lib/command/config-tables.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { ReferenceConfig } from "../../lib/command/reference-config.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { groupId } from "../../lib/ffi/group.ts";
import { isLoopback, parseEndpoint } from "../../lib/net/endpoint.ts";
import { listenNames } from "../../lib/net/inherited.ts";
import { defaultTunnels } from "../../lib/service/descriptors.ts";
import { args } from "./flags.ts";

export const PRESETS = ["development", "systemd", "container"] as const;

export interface DaemonFlags {
  readonly "bind-proxy-address": string | undefined;
  readonly "bind-rpc-socket": string | undefined;
  readonly "log-preset": string;
}

interface DaemonArgs {
  readonly given: ParsedArgs<typeof args>;
  readonly tables: ConfigTables;
  readonly warnings: readonly string[];
  /** Whether decisions are shown on a terminal. */
  readonly live: boolean;
}

/** Throws `PortailError` for a flag's value, and for what the file asks for and this program cannot do. */
export function daemonArgs(flags: DaemonFlags, config: ReferenceConfig, env: Runtime["env"]): DaemonArgs {
  const warnings = [...config.warnings];
  const preset = parseChoice("--log-preset", flags["log-preset"], PRESETS);
  const values = new Map<string, ArgValue>([...config.values, ...logValues(preset, env), ...socketValues(flags, env)]);
  // The default of our own flag is another place, which nobody asked for here.
  const unknown = [...values.keys()].find((name) => !Object.hasOwn(args, name));
  if (unknown !== undefined) throw unsupported(unknown);
  if (isOpenDoor(flags)) {
    values.set("unsafe-listen", true);
    warnings.push(`--bind-proxy-address ${flags["bind-proxy-address"]} lets everybody in who can reach it`);
  }
  keepKnownGroups(values, warnings);
  boundTunnels(values, warnings);
  const given = completeArgs(args, values) as ParsedArgs<typeof args>;
  return { given, tables: tablesOf(config), warnings, live: preset === "development" };
}

/** A name that is none of the file's. */
const TRUST = "listener.cacert-file";

/** Its backends are spoken to as the client speaks to us: SOCKS5 or CONNECT at one port. */
function tablesOf({ backends, backendTrust }: ReferenceConfig): ConfigTables {
  const rows = Array.from(backends, ([name, { target, dynamic, tls, serverName }]) => {
    const place = target === undefined ? undefined : `${tls ? "same+tls" : "same"}://${target}`;
    const secured = tls || target === undefined;
    const trust = secured && backendTrust !== undefined ? TRUST : undefined;
    return [name, { target: place, dynamic, "server-name": secured ? serverName : undefined, trust }] as const;
  });
  const trust = new Map<string, TableRow<"trust">>();
  if (backendTrust !== undefined) trust.set(TRUST, { cacert: [backendTrust], crl: [] });
  return { ...emptyTables(), backend: new Map(rows) as never, trust };
}

function logValues(preset: (typeof PRESETS)[number], { RUST_LOG: level = "" }: Runtime["env"]): [string, ArgValue][] {
  const levels: [string, ArgValue][] = [
    ["quiet", /^(?:warn|error|off)$/i.test(level)],
    ["debug", /^(?:debug|trace)$/i.test(level)],
  ];
  if (preset === "container") return [...levels, ["log-format", "json"], ["audit", "-"]];
  return preset === "systemd" ? [...levels, ["audit", "/var/log/portail/access.log"]] : levels;
}

/** Without flags, the sockets of the service manager, of which the one for orders may be absent. */
function socketValues(flags: DaemonFlags, env: Runtime["env"]): [string, ArgValue][] {
  const { "bind-proxy-address": address = "systemd:proxy", "bind-rpc-socket": path } = flags;
  const passed = listenNames(env).includes("control") ? "systemd:control" : undefined;
  const control = path === undefined ? passed : `unix:${path}`;
  return [["listen", [address]], ...(control === undefined ? [] : [["control", control] satisfies [string, ArgValue]])];
}

/** The reference's own flag for it has no "unsafe" in its name: it is told as a warning. */
function isOpenDoor({ "bind-proxy-address": address }: DaemonFlags): boolean {
  if (address === undefined) return false;
  const endpoint = parseEndpoint(address, "--bind-proxy-address");
  return endpoint.kind === "tcp" && !isLoopback(endpoint.host);
}

/** To the reference a group that nobody has made yet is one without members; and without a control socket none matters. */
function keepKnownGroups(values: Map<string, ArgValue>, warnings: string[]): void {
  for (const name of ["control-admin-group", "control-trusted-group"]) {
    const groups = values.get(name) as string[] | undefined;
    const known = groups?.filter((group) => groupId(group) !== undefined) ?? [];
    for (const group of groups ?? []) {
      if (!known.includes(group)) warnings.push(`there is no group ${JSON.stringify(group)}: it gives nobody a right`);
    }
    if (known.length === 0 || !values.has("control")) values.delete(name);
    else values.set(name, known);
  }
}

/** The reference bounds the number by its own limit of open files too. */
function boundTunnels(values: Map<string, ArgValue>, warnings: string[]): void {
  const name = "max-concurrent-conns";
  const wanted = Number(values.get(name) ?? 0);
  if (wanted <= defaultTunnels()) return;
  warnings.push(`max-connections is ${defaultTunnels()}, not ${wanted}: the limit of open files allows no more`);
  values.set(name, String(defaultTunnels()));
}

function unsupported(name: string): PortailError {
  return new PortailError(`the configuration asks for "${name}", which this program does not have`, {
    code: "config.unsupported",
    exit: EXIT.config,
  });
}
