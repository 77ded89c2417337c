/** `Endpoint`: where to listen or what to reach, parsed once for every flag and file. Opens nothing. */
import { EXIT, PortailError } from "../command/errors.ts";
import { ipClass, parseIp } from "../wire/ip.ts";

export type Endpoint =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string }
  | { kind: "systemd"; name: string }
  | { kind: "fd"; fd: number }
  | { kind: "stdio" };

const FORMS = "HOST:PORT, [IPV6]:PORT, unix:PATH, systemd:NAME, fd:N or stdio";

/**
 * Parses `HOST:PORT` (`:PORT` means every address), `unix:PATH`, `systemd:NAME`, `fd:N` or `stdio`.
 * `flag` is what the operator wrote it for, and is named in the error.
 */
export function parseEndpoint(text: string, flag: string): Endpoint {
  if (text === "stdio") return { kind: "stdio" };
  if (text.startsWith("unix:")) {
    const path = text.slice(5);
    if (path === "") throw refuse(text, flag, "the path is empty");
    if (Buffer.byteLength(path) > 107) throw refuse(text, flag, "a UNIX socket path holds at most 107 bytes");
    return { kind: "unix", path };
  }
  if (text.startsWith("systemd:")) {
    const name = text.slice(8);
    if (name === "") throw refuse(text, flag, "the name is empty");
    return { kind: "systemd", name };
  }
  if (text.startsWith("launchd:")) {
    throw new PortailError(`${flag}: launchd: exists on macOS only`, {
      code: "endpoint.launchd",
      exit: EXIT.usage,
      hint: "take a socket of the service manager as systemd:NAME",
    });
  }
  if (text.startsWith("fd:")) return { kind: "fd", fd: parseInteger(text.slice(3), 2 ** 20, text, flag) };
  return parseHostPort(text, flag);
}

function parseHostPort(text: string, flag: string): Endpoint {
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw refuse(text, flag, "the port is missing");
  const port = parseInteger(text.slice(colon + 1), 65_535, text, flag);
  const host = text.slice(0, colon);
  if (host.startsWith("[")) {
    if (!host.endsWith("]")) throw refuse(text, flag, "the closing bracket is missing");
    return { kind: "tcp", host: host.slice(1, -1), port };
  }
  if (host.includes(":")) throw refuse(text, flag, "an IPv6 address stands in brackets");
  if (/[\s/@]/.test(host)) throw refuse(text, flag, "the host holds a character that no host has");
  return { kind: "tcp", host: host === "" ? "::" : host, port };
}

function parseInteger(digits: string, most: number, text: string, flag: string): number {
  if (!/^[0-9]{1,7}$/.test(digits) || Number(digits) > most) {
    throw refuse(text, flag, `${JSON.stringify(digits)} is not a number from 0 to ${most}`);
  }
  return Number(digits);
}

function refuse(text: string, flag: string, why: string): PortailError {
  return new PortailError(`${flag}: ${JSON.stringify(text)} is not an endpoint: ${why}`, {
    code: "endpoint.syntax",
    exit: EXIT.usage,
    hint: `write ${FORMS}`,
  });
}

/** The text that `parseEndpoint` reads back to the same value. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "tcp":
      return formatHostPort(endpoint.host, endpoint.port);
    case "unix":
      return `unix:${endpoint.path}`;
    case "systemd":
      return `systemd:${endpoint.name}`;
    case "fd":
      return `fd:${endpoint.fd}`;
    case "stdio":
      return "stdio";
  }
}

/** Whether `host` leads to this machine and nowhere else: `localhost`, or an address that is loopback. Resolves nothing. */
export function isLoopback(host: string): boolean {
  const ip = parseIp(host);
  // An IPv6 address that only holds an IPv4 one of loopback is routed like any other.
  return host === "localhost" || host === "::1" || (ip?.family === 4 && ipClass(ip) === "loopback");
}

/** `host:port`, with brackets around an IPv6 address that has none. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}
