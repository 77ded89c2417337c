/** PROXY protocol headers (HAProxy's proxy-protocol.txt): both versions read, version 2 written. Whom to believe is not decided here. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { formatIp, parseIp } from "./ip.ts";
import { decodeV2, encodeV2, V2_SIGNATURE, type ProxyAddress, type ProxyHeader } from "./proxy-v2.ts";

const V1_SIGNATURE = Buffer.from("PROXY ");
/** Of a version 1 header, CR LF included (proxy-protocol.txt 2.1). */
const LONGEST_V1 = 107;

/** Whether a stream begins with a PROXY header: known at its first byte that belongs to none. */
export function detectProxyHeader(bytes: Uint8Array): 1 | 2 | "more" | "none" {
  const version = bytes[0] === V1_SIGNATURE[0] ? 1 : 2;
  const signature = version === 1 ? V1_SIGNATURE : V2_SIGNATURE;
  for (const [i, byte] of signature.entries()) {
    if (i === bytes.length) return "more";
    if (bytes[i] !== byte) return "none";
  }
  return version;
}

/** Decodes a header of either version. */
export function decodeProxyHeader(bytes: Uint8Array): Decoded<ProxyHeader> {
  const version = detectProxyHeader(bytes);
  if (version === "more") return MORE;
  if (version === "none") return bad("this is no PROXY header");
  return version === 1 ? decodeV1(bytes) : decodeV2(bytes);
}

/** `PROXY TCP4 SOURCE DESTINATION SPORT DPORT`, or `PROXY UNKNOWN` and anything up to the end of the line. */
function decodeV1(bytes: Uint8Array): Decoded<ProxyHeader> {
  const lf = bytes.subarray(0, LONGEST_V1).indexOf(0x0a);
  if (lf === -1) {
    if (bytes.length >= LONGEST_V1) return bad("the header is longer than 107 bytes");
    return V1_BEGINNING.test(latin1(bytes, bytes.length)) ? MORE : bad("this is no PROXY line");
  }
  const length = lf + 1;
  const [, protocol, fields] = V1_LINE.exec(latin1(bytes, length)) ?? [];
  if (protocol === undefined) return bad("this is no PROXY line");
  const value: ProxyHeader = { version: 1, local: false };
  if (protocol === "UNKNOWN") return { kind: "ok", value, length };
  const [source, destination, from, to, more] = fields!.slice(1).split(" ");
  const ips = [source, destination].map((text) => parseV1Ip(text, protocol));
  const ports = [from, to].map((text) => (text !== undefined && V1_PORT.test(text) ? Number(text) : 65_536));
  if (more !== undefined || ips.includes(undefined) || ports.some((port) => port > 65_535)) {
    return bad("the PROXY line names no two addresses and two ports");
  }
  value.source = { ip: ips[0]!, port: ports[0]! };
  value.destination = { ip: ips[1]!, port: ports[1]! };
  return { kind: "ok", value, length };
}

/** As much of a line as has come; what belongs to no address is refused at once. */
const V1_BEGINNING =
  /^PROXY (?:T|TC|TCP|TCP[46](?: [0-9a-fA-F:. ]*\r?)?|U|UN|UNK|UNKN|UNKNO|UNKNOW|UNKNOWN(?:\r| [^\n]*)?)?$/;
const V1_LINE = /^PROXY (TCP4|TCP6|UNKNOWN)((?: [^\r\n]*)?)\r\n$/;
const V1_PORT = /^(?:0|[1-9][0-9]{0,4})$/;

/** The canonical text of an address that is written as its protocol wants it. */
function parseV1Ip(text: string | undefined, protocol: string): string | undefined {
  if (text === undefined || text.includes(":") !== (protocol === "TCP6")) return undefined;
  const ip = parseIp(text);
  return ip && formatIp(ip);
}

function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.prototype.toString.call(bytes, "latin1", 0, length);
}

/** How much of the client a backend is told. */
export type ProxyMode = "conn" | "tls" | "tls-full";

/** What is known of the client's connection over TLS. */
interface ProxyTlsState {
  /** `TLSv1.3`. */
  version: string;
  protocolId?: string | undefined;
  serverName?: string | undefined;
  /** The client's certificate, which we have found good; absent where it gave none. */
  peer?: { commonName?: string | undefined; certificate: Uint8Array } | undefined;
}

export interface ProxyClaim {
  mode: ProxyMode;
  /** The client's address, and the one that it connected to. */
  source: ProxyAddress;
  destination: ProxyAddress;
  /** Absent where the client's connection is not over TLS. */
  tls?: ProxyTlsState | undefined;
}

/**
 * The version 2 header that tells a backend who its client is, byte for byte as ghostunnel has it: `conn` gives addresses
 * alone, `tls` adds the negotiated protocol id, the server name and the TLS version, `tls-full` the certificate and its
 * common name. Undefined where that is more than a header holds (a certificate of 64 KiB).
 */
export function encodeProxyHeader({ mode, source, destination, tls }: ProxyClaim): Uint8Array | undefined {
  if (mode === "conn" || tls === undefined) return encodeV2(source, destination, {});
  const { protocolId, serverName } = tls;
  const peer = mode === "tls-full" ? tls.peer : undefined;
  return encodeV2(source, destination, {
    ...(protocolId && { protocolId }),
    ...(serverName && { authority: serverName }),
    tls: {
      active: true,
      onConnection: peer !== undefined,
      inSession: peer !== undefined,
      verified: true,
      version: tls.version.replace(/^TLSv/, "TLS "),
      ...(peer?.commonName && { commonName: peer.commonName }),
      ...(peer && { certificate: peer.certificate }),
    },
  });
}
