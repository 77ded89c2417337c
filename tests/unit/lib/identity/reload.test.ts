/** Reading again: all or nothing, the old stays where something is wrong, and what did not change is known not to have. */
import { afterAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { EXIT, PortailError } from "../../../../lib/command/errors.ts";
import { LiveCredentials, type Credentials } from "../../../../lib/identity/reload.ts";
import { Secret } from "../../../../lib/identity/secret.ts";
import { needing } from "../../../support/needs.ts";
import { pkcs12 } from "../../../support/pki-forms.ts";
import { authority, save } from "../../../support/pki.ts";
import { Scene } from "../../../support/scene.ts";
import { refusal } from "./refusal.ts";

needing("credentials are read again", ["openssl"], () => {
  const [a, b] = [authority("A"), authority("B")];
  const [first, second] = [a.issue({ nth: 1 }), a.issue({ nth: 2 })];

  const scenes: Scene[] = [];
  afterAll(() => Promise.all(scenes.map((scene) => scene.close())));

  function open(check?: (next: Credentials) => void) {
    const scene = new Scene();
    scenes.push(scene);
    const { cert, key } = save(scene, "own", first);
    const cacert = scene.write("ca.pem", a.cert);
    const sources = { identity: { kind: "pair", cert, key } as const, trust: { cacert: [cacert], crl: [] } };
    const live = new LiveCredentials(sources, { cwd: scene.folder, env: {} }, check);
    return { scene, cert, key, cacert, live };
  }

  const certOf = ({ current }: LiveCredentials) => current.identity?.credential.cert;

  test("at once, and listeners are told", () => {
    const { cert, key, cacert, live } = open();
    const told: Credentials[] = [];
    const off = live.onReload((now) => told.push(now));
    writeFileSync(cert, second.chain);
    writeFileSync(key, second.key);
    writeFileSync(cacert, b.cert);
    expect(certOf(live)).toBe(first.chain);
    expect(live.reload()).toBe(live.current);
    expect(certOf(live)).toBe(second.chain);
    expect(live.current.trust?.ca).toEqual([b.cert]);
    off();
    live.reload();
    expect(told).toHaveLength(1);
    expect(told[0]?.identity?.credential.cert).toBe(second.chain);
  });

  test.each<[string, (at: ReturnType<typeof open>) => void, string]>([
    ["the new certificate with the old key", ({ cert }) => writeFileSync(cert, second.chain), "identity.mismatch"],
    ["a broken certificate", ({ cert }) => writeFileSync(cert, first.chain.slice(0, 99)), "identity.damaged"],
    ["no key", ({ key }) => rmSync(key), "identity.key_unreadable"],
    ["a broken trust bundle", ({ cacert }) => writeFileSync(cacert, ""), "identity.empty"],
  ])("not with %s: the old stays", (_, spoil, code) => {
    const at = open();
    const before = at.live.current;
    let told = 0;
    at.live.onReload(() => told++);
    writeFileSync(at.cacert, b.cert);
    spoil(at);
    expect(refusal(() => at.live.reload()).code).toBe(code);
    expect(at.live.current).toBe(before);
    expect(told).toBe(0);
    expect(at.live.changed).toBe(true);

    save(at.scene, "own", second);
    writeFileSync(at.cacert, b.cert);
    at.live.reload();
    expect(certOf(at.live)).toBe(second.chain);
    expect(at.live.changed).toBe(false);
  });

  test("not where what they are for refuses them", () => {
    let refuse = false;
    const { scene, live } = open(() => {
      if (refuse) throw new PortailError("no", { code: "tls.no", exit: EXIT.badData });
    });
    const before = live.current;
    save(scene, "own", second);
    refuse = true;
    expect(refusal(() => live.reload()).code).toBe("tls.no");
    expect(live.current).toBe(before);
    refuse = false;
    live.reload();
    expect(certOf(live)).toBe(second.chain);
  });

  test("for the first time with an error where something is wrong", () => {
    const { scene, cert } = open();
    const sources = { identity: { kind: "pair", cert, key: scene.path("nowhere") } as const, trust: undefined };
    expect(refusal(() => new LiveCredentials(sources, { cwd: "/", env: {} })).code).toBe("identity.key_unreadable");
  });

  describe("and whether that is worth it is known", () => {
    test("when a file is written, replaced, or gone", () => {
      const { scene, cert, key, cacert, live } = open();
      expect(live.changed).toBe(false);
      writeFileSync(cacert, a.cert);
      expect(live.changed).toBe(true);
      live.reload();
      expect(live.changed).toBe(false);
      renameSync(scene.write("new", first.key), key);
      expect(live.changed).toBe(true);
      live.reload();
      expect(live.changed).toBe(false);
      rmSync(cert);
      expect(live.changed).toBe(true);
    });

    test("for a password too, which is read with the rest", () => {
      const { scene } = open();
      const keystore = scene.write("own.p12", pkcs12(first, { password: "one" }));
      const password = scene.write("password", "one\n");
      const identity = { kind: "keystore", keystore, password: Secret.ofFile(password) } as const;
      const live = new LiveCredentials({ identity, trust: undefined }, { cwd: "/", env: {} });
      expect(live.changed).toBe(false);
      writeFileSync(keystore, pkcs12(second, { password: "two" }));
      expect(refusal(() => live.reload()).code).toBe("identity.wrong_password");
      writeFileSync(password, "two\n");
      live.reload();
      expect(certOf(live)).toBe(second.chain);
      expect(live.changed).toBe(false);
    });
  });

  test("with the warnings of both", () => {
    const { scene, cert, key, cacert } = open();
    const crl = scene.write("crl.pem", a.crl({ from: -9, to: -2 }));
    const old = save(scene, "old", a.issue({ from: -9, to: -2 }));
    const trust = { cacert: [cacert], crl: [crl] };
    const live = new LiveCredentials({ identity: { kind: "pair", ...old }, trust }, { cwd: "/", env: {} });
    expect(live.warnings).toEqual([expect.stringContaining("expired"), expect.stringContaining("revocation list")]);
    const without = { identity: { kind: "pair", cert, key } as const, trust: undefined };
    expect(new LiveCredentials(without, { cwd: "/", env: {} }).warnings).toEqual([]);
  });

  test("but the system's store not where no trust is asked for", () => {
    const env = { SSL_CERT_FILE: "/nowhere" };
    const live = new LiveCredentials({ identity: undefined, trust: undefined }, { cwd: "/", env });
    expect(live.current).toEqual({ identity: undefined, trust: undefined });
    const trust = { cacert: [], crl: [] };
    expect(refusal(() => new LiveCredentials({ identity: undefined, trust }, { cwd: "/", env })).code).toBe(
      "identity.cacert_unreadable",
    );
  });
});
