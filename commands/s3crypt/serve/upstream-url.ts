/** Where the storage is: `--upstream-url`, and `--connect-url` for where it is dialled. No URL parser ever sees a path. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";

export interface UpstreamUrl {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** The value of the Host field: the port only where it was written. */
  readonly authority: string;
  /** What stands before the path of each request, as written; ends with a slash. */
  readonly base: string;
}

/** What is dialled. */
export interface Place {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

const URL_FORM = /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?((?:\/[!-~]*)?)$/;

/** Throws `PortailError` (`s3crypt.upstream_url`). */
export function parseUpstreamUrl(text: string, flag = "--upstream-url"): UpstreamUrl {
  const [, scheme, host, digits, path = ""] = URL_FORM.exec(text) ?? [];
  const tls = scheme === "https";
  const port = digits === undefined ? (tls ? 443 : 80) : Number(digits);
  if (host === undefined || port === 0 || port > 65_535 || /[?#\\]/.test(path))
    throw new PortailError(`${flag}: ${JSON.stringify(text)} is not the URL of a storage`, {
      code: "s3crypt.upstream_url",
      exit: EXIT.usage,
      hint: "write http://HOST[:PORT][/PATH] or https://…, without user, query and fragment",
    });
  const authority = digits === undefined ? host : `${host}:${digits}`;
  const bare = host.startsWith("[") ? host.slice(1, -1) : host;
  return { tls, host: bare, port, authority, base: path.endsWith("/") ? path : `${path}/` };
}

/** Scheme, host and port of `--connect-url`; the rest of it means nothing. Throws `PortailError`. */
export function parseConnectUrl(text: string): Place {
  return parseUpstreamUrl(text, "--connect-url");
}
