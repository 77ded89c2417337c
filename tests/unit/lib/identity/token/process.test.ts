/** Modules in a process of their own: both bindings, held to one contract with SoftHSM, and what becomes of those that crash. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, verify, X509Certificate } from "node:crypto";
import type { Ask } from "../../../../../lib/identity/token/messages.ts";
import type { Binding, Mechanism, Wanted } from "../../../../../lib/identity/token/module.ts";
import { TokenProcess } from "../../../../../lib/identity/token/process.ts";
import { CKA, CKG_MGF1, CKM, CKO, CKR } from "../../../../../lib/wire/cryptoki.ts";
import { ecdsaSignature } from "../../../../../lib/wire/token-keys.ts";
import { buildAddon } from "../../../../../scripts/addon.ts";
import { needing } from "../../../../support/needs.ts";
import { authority } from "../../../../support/pki.ts";
import { environment } from "../../../../support/program.ts";
import { Scene } from "../../../../support/scene.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../../../../support/softhsm.ts";
import { brokenModule } from "../../../../support/token-modules.ts";

setDefaultTimeout(60_000);

const BINDINGS: Binding[] = ["bun:ffi", "graphene-pk11"];
const KEYS = ["p256", "p384", "rsa", "ed25519"] as const;
const ca = authority();
const refused = (rv: number) => expect.objectContaining({ name: "TokenRefusal", rv });

needing("a PKCS#11 module", [...SOFTHSM, "g++"], () => {
  describe.each(BINDINGS)("by %s", (binding) => {
    const scene = new Scene();
    let token: TokenProcess;
    let slot: number;
    const objects = (wanted: Wanted[], attributes: number[] = []) =>
      token.ask({ op: "objects", slot, wanted, attributes });
    const keyOf = async (name: string) => {
      const label = Buffer.from(name);
      const [found] = await objects([
        [CKA.class, CKO.privateKey],
        [CKA.label, label],
      ]);
      return found!.handle;
    };

    beforeAll(() => {
      const hsm = new SoftHsm(scene, "a token");
      KEYS.forEach((key, i) => hsm.put(ca.issue({ key }), key, `0${i + 1}`));
      if (binding === "graphene-pk11") buildAddon();
      token = new TokenProcess(MODULE, environment(hsm.env), binding);
    });
    afterAll(async () => {
      token.close();
      await scene.close();
    });

    test("tells of itself, of slots and of tokens", async () => {
      const [first, second] = await token.ask({ op: "slots" });
      const info = {
        manufacturer: "SoftHSM",
        description: "Implementation of PKCS11",
        version: { major: 2, minor: 6 },
      };
      expect(token.loaded).toEqual({ binding, info });
      expect(first!.token).toMatchObject({ label: "a token", manufacturer: "SoftHSM project", model: "SoftHSM v2" });
      expect(first!.token!.serial).toMatch(/^[0-9a-f]{16}$/);
      expect(second!.token!.label).toBe("");
      slot = first!.id;
      expect(await token.ask({ op: "mechanisms", slot })).toContain(CKM.ecdsa);
    });

    test("shows private keys after the login, for which a wrong PIN is an error", async () => {
      const keys: Wanted[] = [[CKA.class, CKO.privateKey]];
      expect(await objects(keys)).toEqual([]);
      await expect(token.ask({ op: "login", slot, pin: "0000" })).rejects.toEqual(refused(CKR.pinIncorrect));
      expect(await token.ask({ op: "login", slot, pin: PIN })).toBe(false);
      expect(await token.ask({ op: "login", slot, pin: "0000" })).toBe(true);
      expect(await objects(keys)).toHaveLength(KEYS.length);
    });

    test("finds objects by bytes and numbers, and gives out what is no secret", async () => {
      const [found, ...more] = await objects(
        [
          [CKA.class, CKO.certificate],
          [CKA.id, Uint8Array.of(1)],
        ],
        [CKA.value, CKA.label, CKA.modulus],
      );
      expect(more).toEqual([]);
      const [der, label, modulus] = found!.values;
      expect(Buffer.from(der!)).toEqual(Buffer.from(ca.issue({ key: "p256" }).der));
      expect(Buffer.from(label!).toString()).toBe("p256");
      expect(modulus).toBeUndefined();
      const [key] = await objects([[CKA.class, CKO.privateKey]], [CKA.value]);
      expect(key!.values).toEqual([undefined]);
    });

    const PSS = { hash: CKM.sha256, mgf: CKG_MGF1[32]!, saltLength: 32 };
    const SIGNED: [key: (typeof KEYS)[number], mechanism: Mechanism][] = [
      ["p256", { number: CKM.ecdsa }],
      ["p384", { number: CKM.ecdsa }],
      ["rsa", { number: CKM.sha256RsaPkcs }],
      ["rsa", { number: CKM.rsaPkcsPss, pss: PSS }],
      ["ed25519", { number: CKM.eddsa }],
    ];
    test.each(SIGNED)("signs with %s by %j", async (name, mechanism) => {
      const message = Buffer.from("a message");
      const digested = mechanism.number === CKM.ecdsa || mechanism.pss !== undefined;
      const data = digested ? createHash("sha256").update(message).digest() : message;
      const { publicKey } = new X509Certificate(ca.issue({ key: name }).cert);
      const ask: Ask = { op: "sign", slot, key: await keyOf(name), mechanism, data, contextPin: undefined };
      // Several at once, since each has its turn.
      for (const made of await Promise.all([ask, ask, ask].map((each) => token.ask<"sign">(each)))) {
        const signature = mechanism.number === CKM.ecdsa ? ecdsaSignature(made) : made;
        const how = mechanism.pss ? { key: publicKey, padding: 6, saltLength: 32 } : publicKey;
        expect(verify(name === "ed25519" ? null : "sha256", message, how, signature)).toBe(true);
      }
    });

    test("names what it refuses, and goes on", async () => {
      const wrong = { op: "sign", slot, key: await keyOf("rsa"), contextPin: undefined } as const;
      const ask = token.ask({ ...wrong, mechanism: { number: 0x9999 }, data: Buffer.alloc(8) });
      await expect(ask).rejects.toEqual(refused(CKR.mechanismInvalid));
      await expect(ask).rejects.toThrow("C_SignInit answered CKR_MECHANISM_INVALID");
      await token.ask({ op: "forget", slot });
      await expect(token.ask({ op: "mechanisms", slot: 999_999 })).rejects.toEqual(refused(CKR.slotIdInvalid));
      expect(await objects([[CKA.class, CKO.privateKey]])).toEqual([]);
    });
  });
});

needing("a PKCS#11 module that is broken", ["g++"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());
  const opened = (module: string) => {
    const token = new TokenProcess(module, environment(), "bun:ffi");
    scene.defer(() => token.close());
    return token;
  };

  test.each(["/etc/passwd", "/nonexistent.so", "libsofthsm2.so"])("as %s is an error", async (module) => {
    await expect(opened(module).ask({ op: "slots" })).rejects.toMatchObject({ code: "token.module_unusable" });
  });

  test("and crashes when it is loaded is an error, as often as it is tried", async () => {
    const token = opened(brokenModule(scene, "load"));
    const answers = await Promise.allSettled([token.ask({ op: "slots" }), token.ask({ op: "slots" })]);
    const codes = answers.map((answer) => (answer as { reason: { code: string } }).reason.code);
    expect(codes).toEqual(["token.module_crashed", "token.module_crashed"]);
    for (let i = 0; i < 4; i++)
      await expect(token.ask({ op: "slots" })).rejects.toMatchObject({ code: "token.module_crashed" });
    // By then it is not even tried.
    expect(token.generation).toBe(3);
  });

  test("and crashes later takes with it what was asked, and is loaded again", async () => {
    const token = opened(brokenModule(scene, "slots"));
    await expect(token.ask({ op: "mechanisms", slot: 0 })).resolves.toEqual([]);
    await expect(token.ask({ op: "slots" })).rejects.toMatchObject({ code: "token.module_crashed" });
    const { generation } = token;
    await expect(token.ask({ op: "mechanisms", slot: 0 })).resolves.toEqual([]);
    expect(token.generation).toBe(generation + 1);
  });
});

test("what nobody waits for any more is not asked, and too much is refused", async () => {
  const token = new TokenProcess("/nonexistent.so", environment());
  const first = token.ask({ op: "slots" });
  const abandoned = token.ask({ op: "slots" }, () => true);
  const many = Array.from({ length: 1100 }, () => token.ask({ op: "slots" }));
  const settled = await Promise.allSettled([first, abandoned, ...many]);
  const codes = settled.map((each) => (each as { reason: { code: string } }).reason.code);
  expect(codes.filter((code) => code === "token.busy").length).toBeGreaterThan(70);
  expect(codes[0]).toBe("token.module_unusable");
  token.close();
  await expect(token.ask({ op: "slots" })).rejects.toMatchObject({ code: "token.closed" });
});
