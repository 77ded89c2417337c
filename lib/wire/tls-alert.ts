/** Alerts of TLS before anything is encrypted (RFC 8446 section 6): how a server says no to a hello. */
import type { HelloFault } from "./client-hello.ts";

const ALERTS = {
  unexpected_message: 10,
  record_overflow: 22,
  handshake_failure: 40,
  illegal_parameter: 47,
  access_denied: 49,
  decode_error: 50,
  internal_error: 80,
  unrecognized_name: 112,
  no_application_protocol: 120,
} as const;

export type Alert = keyof typeof ALERTS;

/** A record with a fatal alert. Its version is what every client of TLS 1.0 and later takes. */
export function encodeAlert(alert: Alert): Uint8Array {
  return Uint8Array.of(0x15, 3, 1, 0, 2, 2, ALERTS[alert]);
}

/** What a client is told of a hello that is not taken; one that speaks no TLS is told nothing. */
export const FAULT_ALERTS: Readonly<Record<HelloFault, Alert | undefined>> = {
  hello_not_tls: undefined,
  hello_record: "unexpected_message",
  hello_message: "unexpected_message",
  hello_too_long: "illegal_parameter",
  hello_malformed: "decode_error",
  hello_server_name: "unrecognized_name",
};
