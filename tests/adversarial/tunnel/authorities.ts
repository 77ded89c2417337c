/** Authorities that a tunnel trusts, that it does not, and what they revoked. Asserts nothing. */
import { authority, derOf, type Authority, type Certified } from "../../support/pki.ts";
import type { Scene } from "../../support/scene.ts";

export interface Authorities {
  ca: Authority;
  other: Authority;
  /** Has the name of `ca`, but not its key. */
  impostor: Authority;
  /** Those below `ca`. */
  between: Authority;
  revokedBetween: Authority;
  expiredBetween: Authority;
}

export function authorities(name: string, others: string): Authorities {
  const ca = authority(name);
  return {
    ca,
    other: authority(others),
    impostor: authority(name, { nth: 1 }),
    between: ca.intermediate("Between"),
    revokedBetween: ca.intermediate("Revoked between"),
    expiredBetween: ca.intermediate("Expired between", { from: -9, to: -1 }),
  };
}

/** Trust in `ca` alone, and in both with lists of all sorts, which revoke `revoked` of `ca` and `below` of `between`. */
export function trusts(scene: Scene, of: Authorities, revoked: Certified, below: Certified) {
  const { ca, other, between, revokedBetween } = of;
  const list = ca.crl({ revoked: [revoked, revokedBetween] });
  const cacert = [scene.write("ca.pem", ca.cert), scene.write("other.pem", other.cert)];
  const otherList = scene.write("other.crl", other.crl());
  const withList = (name: string, crl: string | Uint8Array) => ({ cacert, crl: [scene.write(name, crl), otherList] });
  return {
    ca: { cacert: cacert.slice(0, 1) },
    pem: withList("pem.crl", list),
    der: withList("der.crl", derOf(list)),
    several: withList("several.crl", `${list}${between.crl({ revoked: [below] })}${revokedBetween.crl()}`),
    expired: withList("expired.crl", ca.crl({ revoked: [revoked], from: -9, to: -1 })),
    early: withList("early.crl", ca.crl({ from: 1, to: 2 })),
    missing: { cacert, crl: [otherList] },
    forged: withList("forged.crl", of.impostor.crl()),
  };
}
