/** The client's side of one CONNECT over HTTP/2 (RFC 9113 section 8.5), for an outbound proxy: the fields of the request, and what an answer means. */
import type { HeaderField } from "../wire/hpack.ts";
import { H2_ERROR } from "../wire/http2.ts";
import { basicCredentials, connectAuthority, connectRefusal, type ConnectRefusal } from "./connect-status.ts";
import { wrongField } from "./http2-request.ts";
import type { ProxyCredentials, ProxyFault, ProxyTarget } from "./outbound-proxy.ts";

export type Http2ConnectAnswer =
  /** 1xx: another one follows. */
  { kind: "interim" } | { kind: "open" } | ({ kind: "refused" } & ConnectRefusal);

export class Http2Connect {
  readonly fields: readonly HeaderField[];
  readonly #withCredentials: boolean;

  /** `target` is canonical. */
  constructor({ host, port }: ProxyTarget, credentials: ProxyCredentials | undefined) {
    const fields: HeaderField[] = [
      [":method", "CONNECT"],
      [":authority", connectAuthority(host, port)],
    ];
    if (credentials !== undefined)
      fields.push(["proxy-authorization", basicCredentials(credentials.user, credentials.password)]);
    this.fields = fields;
    this.#withCredentials = credentials !== undefined;
  }

  /** Of the fields that came; undefined where they are too large. `ended`: nothing follows. */
  read(fields: readonly HeaderField[] | undefined, ended: boolean): Http2ConnectAnswer {
    if (fields === undefined) return malformed("the head of the proxy's answer is too large");
    const status = statusOf(fields);
    if (typeof status === "string") return malformed(`the proxy's answer is malformed: ${status}`);
    if (status >= 200 && status < 300) return { kind: "open" };
    if (status >= 200) return { kind: "refused", ...connectRefusal(status, this.#withCredentials) };
    // Section 8.6: HTTP/2 has no 101; section 8.1: an interim answer ends nothing.
    if (status === 101 || ended) return malformed("the proxy's answer is malformed: an interim answer as the last one");
    return { kind: "interim" };
  }
}

/** Of an answer whose stream was reset in its place, by the code of section 7. */
export function connectReset(code: number): { code: ProxyFault | "closed"; reason: string } {
  if (code === H2_ERROR.connect || code === H2_ERROR.cancel)
    return { code: "proxy_failed", reason: `the proxy did not connect (${NAMES[code]})` };
  if (code === H2_ERROR.http11Required)
    return { code: "closed", reason: 'the proxy wants HTTP/1.1 for this (http-version = "1.1")' };
  return { code: "closed", reason: `the proxy reset the request (${NAMES[code] ?? `code ${code}`})` };
}

const NAMES: Record<number, string | undefined> = Object.fromEntries(
  Object.entries(H2_ERROR).map(([name, code]) => [code, name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()]),
);

/** Section 8.3.2; or what is wrong with it. */
function statusOf(fields: readonly HeaderField[]): number | string {
  let status: string | undefined;
  for (const [at, [name, value]] of fields.entries()) {
    const wrong = wrongField(name, value);
    if (wrong !== undefined) return wrong;
    if (!name.startsWith(":")) continue;
    if (name !== ":status" || at > 0) return "a pseudo-field that answers do not have";
    status = value;
  }
  return status !== undefined && /^[1-9][0-9]{2}$/.test(status) ? Number(status) : "it has no status";
}

function malformed(reason: string): Http2ConnectAnswer {
  return { kind: "refused", code: "proxy_malformed", reason };
}
