/** What all of `portail socks ctl` has in common: where the proxy is, the call, and what its errors mean to people. */
import { EXIT, PortailError, type ExitStatus } from "../../../lib/command/errors.ts";
import type { ArgDefinitions, ParsedArgs } from "../../../lib/command/define.ts";
import { usage } from "../../../lib/command/argv.ts";
import { parseEndpoint } from "../../../lib/net/endpoint.ts";
import { callVarlink, type VarlinkRequest } from "../../../lib/service/varlink-client.ts";
import type { JsonObject } from "../../../lib/wire/varlink.ts";

export const orderFlags = {
  control: {
    type: "string",
    default: "unix:/run/portail/dev.portail.Control",
    valueHint: "ADDRESS",
    env: "PORTAIL_CONTROL",
    description: "The proxy's control socket: unix:PATH",
  },
  json: { type: "boolean", description: "Write JSON for programs" },
} as const satisfies ArgDefinitions;

/** Of every command here, besides its own. */
export const orderExits: { status: ExitStatus; meaning: string }[] = [
  { status: EXIT.done, meaning: "done" },
  { status: EXIT.usage, meaning: "a flag or its value is wrong" },
  { status: EXIT.unavailable, meaning: "no proxy answers there" },
  { status: EXIT.noPrivilege, meaning: "this user may not do that" },
];

export const OWN = "dev.portail.Control";
export const BACKENDS = "fr.gouv.portail.Control";

/** The last reply's parameters. Throws `PortailError` for an error too. */
export async function order(
  given: Pick<ParsedArgs<typeof orderFlags>, "control">,
  request: VarlinkRequest,
): Promise<JsonObject> {
  const endpoint = parseEndpoint(given.control, "--control");
  if (endpoint.kind !== "unix")
    throw usage("usage.value", `--control ${given.control} is no UNIX socket`, "write unix:PATH");
  return orderAt(endpoint.path, request);
}

/** The same for a path. */
export async function orderAt(path: string, request: VarlinkRequest): Promise<JsonObject> {
  const { error, parameters } = await callVarlink(path, request);
  if (error === undefined) return parameters;
  throw refusalOf(error, parameters);
}

function refusalOf(error: string, parameters: JsonObject): PortailError {
  const text = (name: string) => JSON.stringify(parameters[name] ?? "");
  switch (error.slice(error.lastIndexOf(".") + 1)) {
    case "PermissionDenied":
      return refused(
        "permission_denied",
        "this user may not do that",
        EXIT.noPrivilege,
        "ask root, or be in a group that the proxy names with --control-trusted-group or --control-admin-group",
      );
    case "ConnectionNotFound":
      return refused(
        "not_found",
        `nothing is open under the session ${text("session")}`,
        EXIT.no,
        "`portail socks ctl list` shows what is",
      );
    case "BackendNotFound": {
      const there = parameters["available_backends"];
      const names = Array.isArray(there) && there.length > 0 ? `there are ${there.join(", ")}` : "the proxy has none";
      return refused("not_found", `there is no backend ${text("provided_backend")}`, EXIT.no, names);
    }
    case "ImmutableBackend":
      return refused("immutable", "the backend is not dynamic", EXIT.no, "it leads where the configuration says");
    case "InvalidBackend":
    case "InvalidRequest":
      return refused("invalid", String(parameters["reason"]), EXIT.badData);
    case "InvalidParameter":
      return refused("invalid", `the proxy does not take the parameter ${text("parameter")}`, EXIT.badData);
    case "InterfaceNotFound":
    case "MethodNotFound":
      return refused(
        "unknown_method",
        "what answers there is not such a proxy, or one of another version",
        EXIT.unavailable,
      );
    default:
      return refused("failed", `the proxy answered ${error}`, EXIT.unavailable);
  }
}

function refused(code: string, message: string, exit: ExitStatus, hint?: string): PortailError {
  return new PortailError(message, { code: `control.${code}`, exit, ...(hint !== undefined && { hint }) });
}

/** Rows under a head, each column as wide as its widest cell. */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ");
  return all.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Milliseconds of a reply for people; nothing where it has none. */
export function age(ms: JsonObject[string]): string {
  if (typeof ms !== "number") return "";
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m`;
}
