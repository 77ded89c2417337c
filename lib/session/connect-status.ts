/** What the status of an answer to CONNECT means (RFC 9110 section 9.3.6), whichever HTTP it came in. */
import type { ProxyFault } from "./outbound-proxy.ts";

export interface ConnectRefusal {
  code: ProxyFault;
  /** Half a sentence. The phrase of the answer is not repeated: it is the proxy's, and could hold what it was told. */
  reason: string;
}

/** Of a final `status` other than 2xx; `withCredentials`: some were given. */
export function connectRefusal(status: number, withCredentials: boolean): ConnectRefusal {
  // 407 is the status for it; tinyproxy says 401 to wrong ones.
  if (status === 407 || status === 401) {
    const what = withCredentials ? "refuses the user or the password" : "wants credentials";
    return { code: "proxy_credentials", reason: `the proxy ${what} (HTTP status ${status})` };
  }
  return { code: FAULTS[status] ?? "proxy_failed", reason: `the proxy did not connect (HTTP status ${status})` };
}

const FAULTS: Record<number, ProxyFault | undefined> = {
  403: "proxy_denied",
  405: "proxy_denied",
  504: "proxy_timeout",
};

/** `host:port` of a target, as CONNECT names it. */
export function connectAuthority(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The value of Proxy-Authorization (RFC 7617). */
export function basicCredentials(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
