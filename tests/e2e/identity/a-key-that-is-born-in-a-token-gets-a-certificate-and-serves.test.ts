/** Keys of all kinds, made in a SoftHSM token by OpenSC's tool: listed, asked a certificate for, shown, and served with, against openssl. */
import { expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import { authority, openssl, pinOf, save } from "../../support/pki.ts";
import { start } from "../../support/program.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";

const KINDS = [
  ["rsa:2048", "RSA 2048"],
  ["EC:prime256v1", "P-256"],
  ["EC:secp384r1", "P-384"],
  ["EC:edwards25519", "Ed25519"],
] as const;

const ca = authority("Token CA");

interface Listed {
  token?: string;
  notes: string[];
  keys: { kind: string; label: string; id: string; uri: string; pin: string }[];
  certificates: { subject: string; uri: string }[];
}

function tell({ scene, portail }: Stage): void {
  const hsm = new SoftHsm(scene);
  const pin = scene.write("pin", `${PIN}\n`, 0o600);
  const withPin = `pin-source=file:${pin}`;
  const cacert = scene.write("ca.pem", ca.cert);

  const said = async (...args: string[]) => {
    const { status, stdout, stderr } = await portail.run(["identity", ...args], { env: hsm.env });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };
  const listed = async (uri: string) => JSON.parse(await said("list", "--json", uri)) as Listed[];

  test.each(KINDS)("%s", async (type, kind) => {
    const label = type.replace(":", "-");
    const id = Buffer.from(label).toString("hex");
    hsm.generate(type, label, id);
    const [slot] = await listed(hsm.uri(`object=${label}`, withPin));
    const [key, ...more] = slot!.keys;
    expect(more).toEqual([]);
    expect(key).toMatchObject({ kind, label, id });

    const names = ["--subject", `CN=${label},O=Example`, "--san", "DNS:token.example", "--san", "IP:2001:db8::7"];
    const pem = await said("csr", "--key", key!.uri, "--pkcs11-pin-file", pin, ...names);
    expect(openssl(["req", "-verify", "-noout", "-subject"], pem)).toContain(`subject=O = Example, CN = ${label}`);
    const csr = scene.write(`${label}.csr`, pem);
    const [issuer, issuerKey] = [scene.write("issuer.pem", ca.cert), scene.write("issuer.key", ca.key)];
    const by = ["-CA", issuer, "-CAkey", issuerKey, "-days", "2", "-copy_extensions", "copy"];
    const cert = openssl(["x509", "-req", "-in", csr, ...by]);
    hsm.putCertificate(
      Buffer.from(openssl(["x509", "-outform", "pem"], cert).replace(/-----.*-----/g, ""), "base64"),
      label,
      id,
    );

    const shown = JSON.parse(await said("show", "--json", "--keystore", key!.uri, "--pkcs11-pin-file", pin)) as object;
    expect(shown).toMatchObject({
      subject: `CN=${label},O=Example`,
      names: ["DNS:token.example", "IP:2001:db8::7"],
      pin: pinOf({ ...ca, cert, chain: cert }),
      key: key!.uri.replace(/\?.*/, ""),
    });
    expect(key!.pin).toBe(pinOf({ ...ca, cert, chain: cert }).replace("sha256:", ""));

    const target = await countingTarget(scene);
    const args = ["--keystore", hsm.uri(`object=${label}`, withPin), "--cacert", cacert, "--allow-all"];
    const tunnel = await portail.tunnel({ side: "server", target: target.text, args, env: hsm.env });
    const me = save(scene, "client", ca.issue({ cn: "client" }));
    const where = ["-connect", `127.0.0.1:${tunnel.port}`, "-CAfile", cacert, "-verify_return_error"];
    const identity = ["-cert", me.cert, "-key", me.key, "-verify_hostname", "token.example", "-quiet", "-no_ign_eof"];
    const client = start(scene, ["openssl", "s_client", ...where, ...identity], { feed: true });
    await client.write("hello\n");
    await client.output("stdout", /^hello$/m);
    await client.endInput();
    expect(await client.ended).toBe(0);
    expect(await tunnel.stop()).toBe(0);
  });

  test("a key that wants the PIN for each signature", async () => {
    hsm.generate("rsa:2048", "always", "77", "--always-auth");
    const pem = await said("csr", "--key", hsm.uri("object=always", withPin), "--subject", "CN=always");
    expect(openssl(["req", "-verify", "-noout", "-subject"], pem)).toBe("subject=CN = always\n");
    expect(hsm.tool("--token-label", "portail test", "--list-objects", "--type", "privkey", "--id", "77")).toContain(
      "always authenticate",
    );
  });

  test("without the PIN, private keys are not shown", async () => {
    const [slot] = await listed(hsm.uri(""));
    expect(slot).toMatchObject({ token: "portail test", notes: ["private keys show with the PIN only"], keys: [] });
    expect(slot!.certificates).toHaveLength(KINDS.length);
    expect(await said("list", hsm.uri(""))).toContain("(private keys show with the PIN only)\n");
  });
}

scenario(import.meta.file, SOFTHSM, tell, ["binary"]);
