/** What the clients of outbound proxies have in common: why a proxy did not connect. Knows no protocol. */

export type ProxyFault =
  /** It does not speak the protocol. */
  | "proxy_malformed"
  /** It wants credentials, or others. */
  | "proxy_credentials"
  | "proxy_denied"
  /** What it met on its way to the target. */
  | "proxy_refused"
  | "proxy_host_unreachable"
  | "proxy_network_unreachable"
  | "proxy_timeout"
  | "proxy_failed";

/** Whom to reach: a name that the proxy is to resolve, or an address; both canonical. */
export interface ProxyTarget {
  host: string;
  port: number;
}

/** For HTTP the user has no colon; for SOCKS5 both have at most 255 bytes. */
export interface ProxyCredentials {
  user: string;
  password: string;
}
