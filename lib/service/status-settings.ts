/** What `statusFlags` say, as values: where the status listener listens, whether by TLS, and what it may do. Opens nothing. */
import type { ParsedArgs } from "../command/define.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import type { statusFlags } from "../command/flags.ts";
import { parseEndpoint, type Endpoint } from "../net/endpoint.ts";

export interface StatusSettings {
  endpoint: Endpoint;
  /** What the operator said; undefined leaves it to the command. */
  scheme: "http" | "https" | undefined;
  /** Whether `POST /_shutdown` ends the daemon. */
  shutdown: boolean;
}

/** Undefined without `--status`. Throws `PortailError` (64). */
export function parseStatus(args: ParsedArgs<typeof statusFlags>): StatusSettings | undefined {
  const { status: text, "enable-shutdown": shutdown } = args;
  if (text !== undefined) return { ...parseAddress(text), shutdown };
  if (!shutdown) return undefined;
  throw new PortailError("--enable-shutdown needs --status: it is served there", {
    code: "usage.missing",
    exit: EXIT.usage,
    hint: "give --status too, e.g. --status unix:/run/portail/status",
  });
}

/** `[http://|https://]HOST:PORT`, `unix:PATH` or `systemd:NAME`. */
function parseAddress(text: string): Pick<StatusSettings, "endpoint" | "scheme"> {
  const [, scheme, rest = text] = /^(https?):\/\/(.*)$/s.exec(text) ?? [];
  const endpoint = parseEndpoint(rest, "--status");
  if (endpoint.kind === "stdio" || endpoint.kind === "fd" || (scheme !== undefined && endpoint.kind !== "tcp")) {
    throw new PortailError(`--status: ${JSON.stringify(text)} is no place for the status listener`, {
      code: "status.address",
      exit: EXIT.usage,
      hint: "write HOST:PORT, http://HOST:PORT, https://HOST:PORT, unix:PATH or systemd:NAME",
    });
  }
  return { endpoint, scheme: scheme as StatusSettings["scheme"] };
}
