/** `--audit` and `--audit-full` as values: where the audit goes, and what happens when it cannot. Opens nothing. */
import type { ArgDefinitions, ParsedArgs } from "../command/define.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import { parseChoice } from "../command/values.ts";
import { parseEndpoint } from "../net/endpoint.ts";

/** `block`: lines are held and tried anew, and no client is taken meanwhile. `drop`: lines are lost, and counted. */
export type FullPolicy = "block" | "drop";

export type AuditPlace =
  | { kind: "stdout" }
  | { kind: "fd"; fd: number }
  | { kind: "file"; path: string }
  | { kind: "journald"; path: string }
  | { kind: "syslog"; via: "udp" | "tcp"; host: string; port: number }
  | { kind: "syslog"; via: "unix"; path: string };

export interface AuditSettings {
  /** As it was written, for messages. */
  destination: string;
  place: AuditPlace;
  /** Undefined: `block` for a regular file, `drop` for all else. */
  full: FullPolicy | undefined;
}

/** For descriptions of `--audit`. */
export const AUDIT_PLACES =
  "a file, fd:N, - for standard output, journald: or syslog:udp://HOST:PORT, tcp://, unix:PATH";

/** What every daemon takes besides its own `--audit`. */
export const auditFullFlag = {
  "audit-full": {
    type: "string",
    valueHint: "block|drop",
    group: "Log",
    description:
      "What to do while the audit cannot be written: take no new client until it can (default for a file), or drop and count",
  },
} as const satisfies ArgDefinitions;

type Given = ParsedArgs<typeof auditFullFlag> & { readonly audit: string | undefined };

export const JOURNALD = "/run/systemd/journal/socket";

/** Undefined without `--audit`. Throws PortailError (64). */
export function parseAudit({ audit, "audit-full": full }: Given): AuditSettings | undefined {
  const policy = full === undefined ? undefined : parseChoice("--audit-full", full, ["block", "drop"]);
  if (audit !== undefined) return { destination: audit, place: parsePlace(audit), full: policy };
  if (policy === undefined) return undefined;
  throw new PortailError("--audit-full goes with --audit", {
    code: "usage.missing",
    exit: EXIT.usage,
    hint: "say where the audit goes, e.g. --audit /var/log/portail.jsonl",
  });
}

/** Where a destination leads. Throws PortailError (64) for a `syslog:` or `journald:` that is none. */
export function parsePlace(audit: string): AuditPlace {
  if (audit === "-") return { kind: "stdout" };
  if (/^fd:\d+$/.test(audit)) return { kind: "fd", fd: Number(audit.slice(3)) };
  if (audit.startsWith("journald:")) {
    const path = audit.slice("journald:".length);
    if (path !== "" && !path.startsWith("/")) throw refuse(audit, "the path of a socket begins with /");
    return { kind: "journald", path: path === "" ? JOURNALD : path };
  }
  if (audit.startsWith("syslog:")) return parseSyslog(audit);
  return { kind: "file", path: audit };
}

function parseSyslog(audit: string): AuditPlace {
  const rest = audit.slice("syslog:".length);
  if (rest.startsWith("unix:")) {
    const path = rest.slice("unix:".length);
    if (!path.startsWith("/")) throw refuse(audit, "the path of a socket begins with /");
    return { kind: "syslog", via: "unix", path };
  }
  const [, via, place = ""] = /^(udp|tcp):\/\/(.*)$/.exec(rest) ?? [];
  if (via === undefined) throw refuse(audit, "it names no way");
  const endpoint = parseEndpoint(place, "--audit");
  if (endpoint.kind !== "tcp") throw refuse(audit, "it names no host and port");
  return { kind: "syslog", via: via as "udp" | "tcp", host: endpoint.host, port: endpoint.port };
}

function refuse(audit: string, why: string): PortailError {
  return new PortailError(`--audit: ${JSON.stringify(audit)} is no destination: ${why}`, {
    code: "audit.syntax",
    exit: EXIT.usage,
    hint: "write FILE, fd:N, -, journald:, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT or syslog:unix:PATH",
  });
}
