/** Two pairs of addresses, and where a PROXY header is refused. Not a test. */
import { expect } from "bun:test";
import { decodeProxyHeader } from "../../../../lib/wire/proxy-protocol.ts";

export const CLIENT = { source: { ip: "192.0.2.1", port: 56324 }, destination: { ip: "198.51.100.2", port: 443 } };
export const CLIENT6 = { source: { ip: "2001:db8::1", port: 1 }, destination: { ip: "2001:db8::2", port: 65535 } };

/** From how many bytes on these are refused. */
export function refusedFrom(bytes: Uint8Array): number {
  for (let length = 0; length <= bytes.length; length++) {
    const { kind } = decodeProxyHeader(bytes.slice(0, length));
    if (kind === "bad") return length;
    expect(kind).toBe("more");
  }
  throw new Error("these bytes are not refused");
}
