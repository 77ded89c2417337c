/** The files that the cases of the table name as `@/NAME`. */
import { authority, save } from "../../../../support/pki.ts";
import { encryptedKey, pkcs12 } from "../../../../support/pki-forms.ts";
import type { Scene } from "../../../../support/scene.ts";

export function writeFiles(scene: Scene): void {
  const ca = authority();
  const own = ca.issue();
  scene.write("ca.pem", ca.cert);
  scene.write("other-ca.pem", authority("Other CA").cert);
  save(scene, "own", own);
  scene.write("own.p12", pkcs12(own));
  scene.write("locked.p12", pkcs12(own, { password: "open-sesame" }));
  scene.write("locked-key.pem", encryptedKey(own, "open-sesame"));
  scene.write("password", "open-sesame\n");
  scene.write("list.crl", ca.crl());
  scene.write("empty", "");
  scene.write("old.jks", Buffer.from("feedfeed0000000200000000", "hex"));
  scene.write("old.jceks", Buffer.from("cececece0000000200000000", "hex"));
  scene.write("policy.acl", 'policy all { when command == "tunnel" action allow }\n');
  scene.write("broken.acl", "policy {\n");
  scene.write("tunnel.toml", 'connect-timeout = "3s"\nquiet = ["conns"]\n');
  scene.write("two.toml", "[[tunnel]]\n[[tunnel]]\n");
  scene.write("broken.toml", 'connect-timeout = "3s"\nlisen = ["127.0.0.1:0"]\n');
}
