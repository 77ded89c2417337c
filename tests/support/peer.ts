/** Peers for tests, from the names that their certificates hold. Signed by nobody. */
import { decodePeer, type Peer } from "../../lib/identity/peer.ts";
import { altNames, certificate, commonName, der, join, type Part, rdn } from "./der.ts";

export interface Names {
  cn?: string;
  ou?: string[];
  dns?: string[];
  uri?: string[];
  email?: string[];
  /** Bytes. */
  ip?: number[][];
  /** SubjectPublicKeyInfo. */
  key?: Part;
  /** Alternative names of other kinds. */
  other?: Uint8Array[];
}

/** Without any alternative name the certificate has no such extension. */
export function peerWith({ cn, ou = [], dns = [], uri = [], email = [], ip = [], key, other = [] }: Names): Peer {
  const names = [
    ...dns.map((name) => der(0x82, name)),
    ...uri.map((name) => der(0x86, name)),
    ...email.map((name) => der(0x81, name)),
    ...ip.map((bytes) => der(0x87, bytes)),
    ...other,
  ];
  const decoded = decodePeer(
    certificate({
      subject: join(...ou.map((name) => rdn("2.5.4.11", name)), cn === undefined ? [] : commonName(cn)),
      ...(key && { key }),
      ...(names.length > 0 && { extensions: [altNames(...names)] }),
    }),
  );
  if (decoded.kind === "bad") throw new Error(decoded.reason);
  return decoded.value;
}
