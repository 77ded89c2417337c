/** The dialogue with an outbound proxy that leads to a target, as values that can be cloned. */
import { HttpConnectClient } from "./http-connect-client.ts";
import type { ProxyCredentials, ProxyFault, ProxyTarget } from "./outbound-proxy.ts";
import type { Preface } from "./preface.ts";
import { Socks5Client } from "./socks5-client.ts";

export interface ProxyDialogue {
  protocol: "http" | "socks5";
  target: ProxyTarget;
  credentials: ProxyCredentials | undefined;
}

/** Begins it. */
export function beginDialogue({ protocol, target, credentials }: ProxyDialogue): Preface<undefined, ProxyFault> {
  const Client = protocol === "http" ? HttpConnectClient : Socks5Client;
  return new Client(target, credentials);
}
