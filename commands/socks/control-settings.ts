/** The flags of the control socket and what they mean. Opens nothing. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { ArgDefinitions, ParsedArgs } from "../../lib/command/define.ts";
import { usage } from "../../lib/command/argv.ts";
import { formatEndpoint, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import type { Right } from "./control-access.ts";

export const controlFlags = {
  control: {
    type: "string",
    valueHint: "ADDRESS",
    group: "Control",
    description: "Take orders there (Varlink): unix:PATH, systemd:NAME",
  },
  "control-trusted-group": {
    type: "string",
    multiple: true,
    valueHint: "GROUP",
    group: "Control",
    description: "Who besides root may see what is open and set the default backend",
  },
  "control-admin-group": {
    type: "string",
    multiple: true,
    valueHint: "GROUP",
    group: "Control",
    description: "Who besides root may reload, close, drain and lead dynamic backends elsewhere",
  },
  "control-mode": {
    type: "string",
    valueHint: "MODE",
    group: "Control",
    description:
      "Permissions of the socket's path, octal; by default 0666 where a group is named and 0600 where none is",
  },
} as const satisfies ArgDefinitions;

export interface ControlSettings {
  readonly endpoint: Endpoint;
  /** Names or numbers. */
  readonly groups: Record<Right, readonly string[]>;
  readonly mode: number;
}

/** Throws `PortailError`. */
export function parseControl(given: ParsedArgs<typeof controlFlags>): ControlSettings | undefined {
  const groups = { trusted: given["control-trusted-group"], admin: given["control-admin-group"] };
  const named = groups.trusted.length + groups.admin.length > 0;
  if (given.control === undefined) {
    if (named || given["control-mode"] !== undefined)
      throw usage("usage.conflict", "a control group or mode without --control", "give --control unix:PATH as well");
    return undefined;
  }
  const endpoint = parseEndpoint(given.control, "--control");
  if (endpoint.kind === "tcp" || endpoint.kind === "stdio") throw noPeer(endpoint);
  return { endpoint, groups, mode: parseMode(given["control-mode"]) ?? (named ? 0o666 : 0o600) };
}

/** Of a place at which nobody can be known: orders are taken on UNIX sockets only. */
export function noPeer(endpoint: Endpoint): PortailError {
  return new PortailError(`--control ${formatEndpoint(endpoint)}: the system does not tell who connects there`, {
    code: "control.no_peer",
    exit: EXIT.usage,
    hint: "write unix:PATH, or systemd:NAME for a UNIX socket",
  });
}

function parseMode(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^0?[0-7]{3}$/.test(text))
    throw usage(
      "usage.value",
      `--control-mode: ${JSON.stringify(text)} is no mode`,
      "write it as for chmod, e.g. 0660",
    );
  return Number.parseInt(text, 8);
}
