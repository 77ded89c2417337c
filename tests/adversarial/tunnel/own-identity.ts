/** The identity of the tunnel under test: in a file, or in a token where PORTAIL_KEYS=token. Starts nothing. */
import { save, type Certified } from "../../support/pki.ts";
import type { Scene } from "../../support/scene.ts";
import { PIN, SoftHsm } from "../../support/softhsm.ts";

/** Flags, and what the environment must have for them. */
export function ownIdentity(scene: Scene, own: Certified, name: string) {
  if (process.env["PORTAIL_KEYS"] !== "token")
    return { identity: ["--keystore", save(scene, name, own).keystore], env: {} };
  // A scene may have one for each side.
  const hsm = new SoftHsm(scene, `of the ${name}`);
  hsm.put(own, name, "01");
  const pin = scene.write("pin", `${PIN}\n`, 0o600);
  const { PORTAIL_OPENSSL: openssl } = process.env;
  return {
    identity: ["--keystore", hsm.uri(`object=${name}`, `pin-source=file:${pin}`)],
    env: { ...hsm.env, ...(openssl && { PORTAIL_OPENSSL: openssl }) },
  };
}
