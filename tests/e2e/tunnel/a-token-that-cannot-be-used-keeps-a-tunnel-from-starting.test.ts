/** Tokens, keys, PINs and modules that are not what a tunnel needs, in SoftHSM: exit status, code and words, and that no PIN is tried twice. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { authority, openssl, opensslBytes, save } from "../../support/pki.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import { brokenModule, mannered } from "../../support/token-modules.ts";

/** CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED. */
const FINAL_TRY = 0x20000;
const LOCKED = 0x40000;
const WRONG_PIN = "29384756";

const ca = authority();

function tell({ scene, portail }: Stage): void {
  const hsm = new SoftHsm(scene, "one");
  const mine = ca.issue({ cn: "mine" });
  const other = ca.issue({ cn: "other" });
  hsm.put(mine, "mine", "01");
  hsm.put(other, "other", "02", { cert: false });
  hsm.put(ca.issue({ cn: "twice" }), "twice", "03");
  hsm.put(ca.issue({ cn: "twice", nth: 2 }), "twice", "04");
  hsm.addToken("two");
  hsm.put(ca.issue({ cn: "renewed" }), "renewed", "05");
  hsm.putCertificate(ca.issue({ cn: "renewed" }).der, "renewed", "05");
  // The private half of one key, with the public half and the certificate of another.
  const claimed = ca.issue({ cn: "claimed" });
  hsm.put({ ...claimed, key: ca.issue({ cn: "real" }).key }, "false", "06");
  hsm.tool("--token-label", "one", "--delete-object", "--type", "pubkey", "--id", "06");
  const half = openssl(["x509", "-noout", "-pubkey"], claimed.cert);
  const spki = scene.write("claimed.der", opensslBytes(["pkey", "-pubin", "-outform", "der"], half));
  hsm.tool("--token-label", "one", "--write-object", spki, "--type", "pubkey", "--label", "false", "--id", "06");
  const files = save(scene, "other", other);
  const cacert = scene.write("ca.pem", ca.cert);
  const pin = scene.write("pin", `${PIN}\n`, 0o600);

  const begin = (flags: readonly string[], more: Record<string, string> = {}) => {
    const places = ["--listen", "127.0.0.1:0", "--target", "127.0.0.1:9", "--cacert", cacert, "--allow-all"];
    return portail.run(["tunnel", "server", ...places, ...flags], { env: { ...hsm.env, ...more } });
  };
  const withPin = (attributes: string, module = MODULE) => {
    return ["--key", `pkcs11:${attributes}?module-path=${module}`, "--pkcs11-pin-file", pin];
  };

  const CASES: [name: string, flags: string[], exit: number, code: string, words: string][] = [
    ["no module", withPin("token=one", "/nonexistent.so"), 69, "token.no_module", '"/nonexistent.so"'],
    ["what is no module", withPin("token=one", cacert), 69, "token.module_unusable", "cannot be used"],
    ["a module that crashes", withPin("token=one", brokenModule(scene, "load")), 69, "token.module_crashed", "crashed"],
    ["no such token", withPin("token=three"), 69, "token.no_token", "pkcs11:token=three"],
    [
      "two tokens",
      withPin("manufacturer=SoftHSM%20project;model=SoftHSM%20v2"),
      78,
      "token.two_tokens",
      "2 tokens fit",
    ],
    ["no such key", withPin("token=one;object=nobody"), 69, "token.no_key", "object=nobody"],
    ["two keys", withPin("token=one;object=twice"), 78, "token.two_keys", "id=%03"],
    ["no certificate", withPin("token=one;object=other"), 69, "token.no_certificate", "object=other"],
    ["two certificates", withPin("token=one;object=renewed"), 78, "token.two_certificates", "2 certificates"],
    [
      "another's certificate",
      [...withPin("token=one;object=mine"), "--cert", files.cert],
      65,
      "identity.mismatch",
      "is of the certificate",
    ],
    ["a key that is another", withPin("token=one;object=false"), 65, "identity.mismatch", "does not sign as it should"],
    ["no PIN", ["--key", hsm.uri("object=mine")], 64, "token.pin_missing", 'the token "one" wants a PIN'],
    [
      "a PIN that is locked",
      withPin("token=one;object=mine", mannered(scene, MODULE, { flags: LOCKED })),
      77,
      "token.pin_locked",
      "is locked",
    ],
  ];
  test.each(CASES)("%s", async (_name, flags, exit, code, words) => {
    const { status, stdout, stderr } = await begin(flags);
    expect([status, stdout]).toEqual([exit, ""]);
    expect(stderr).toContain(` [${code}]\n  hint: `);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain(PIN);
  });

  test("a wrong PIN is tried once, and is in nothing that is written", async () => {
    const logins = scene.path("logins");
    const module = mannered(scene, MODULE, { logins });
    const flags = ["--key", `pkcs11:token=one;object=mine?module-path=${module}`];
    const { status, stderr } = await begin(flags, { PKCS11_PIN: WRONG_PIN });
    expect([status, stderr]).toEqual([77, expect.stringContaining("[token.wrong_pin]")]);
    expect(stderr).not.toContain(WRONG_PIN);
    expect(readFileSync(logins, "utf8")).toBe(".");
  });

  test("where the next wrong PIN locks the token, none is tried", async () => {
    const logins = scene.path("last-logins");
    const module = mannered(scene, MODULE, { logins, flags: FINAL_TRY });
    const { status, stderr } = await begin(withPin("token=one;object=mine", module));
    expect([status, stderr]).toEqual([77, expect.stringContaining("[token.pin_last_try]")]);
    expect(existsSync(logins)).toBe(false);
  });
}

scenario(import.meta.file, [...SOFTHSM, "g++"], tell, ["binary"]);
