/** Mutated certificates, keys, keystores and lists, under every role: a value or a `PortailError`, and no password in it. Longer with PORTAIL_LONG. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { PortailError } from "../../lib/command/errors.ts";
import { readIdentity } from "../../lib/identity/identity.ts";
import { Secret } from "../../lib/identity/secret.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust } from "../../lib/identity/trust.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { needing } from "../support/needs.ts";
import { derKey, encryptedKey, pkcs12, pkcs7, traditionalKey } from "../support/pki-forms.ts";
import { authority, derOf } from "../support/pki.ts";
import { Scene } from "../support/scene.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 200_000 : 4_000;
const PASSWORD = "hunter2-hunter2";

needing("files of an identity", ["openssl"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());
  const ca = authority();
  const leaf = ca.intermediate().issue();
  const seeds = [
    leaf.chain,
    leaf.key,
    leaf.chain + leaf.key,
    leaf.der,
    derKey(leaf),
    derOf(traditionalKey(leaf)),
    encryptedKey(leaf, PASSWORD),
    derOf(encryptedKey(leaf, PASSWORD)),
    encryptedKey(leaf, PASSWORD, "traditional"),
    encryptedKey(leaf, "another"),
    pkcs7(leaf),
    derOf(pkcs7(leaf)),
    pkcs12(leaf, { cipher: "none", mac: false }),
    pkcs12(leaf, { cipher: "none", password: PASSWORD }),
    pkcs12(leaf, { password: PASSWORD, mac: false }),
    pkcs12(leaf, { password: PASSWORD, cipher: "legacy", mac: false }),
    ca.crl({ revoked: [leaf] }),
    derOf(ca.crl({ revoked: [leaf] })),
  ].map((seed) => Buffer.from(seed));
  const [cert, key] = [scene.write("cert", leaf.chain), scene.write("key", leaf.key)];
  const cacert = scene.write("ca", ca.cert);
  const file = scene.write("fuzzed", "");
  const password = Secret.ofText(PASSWORD);

  const readers: ((files: SourceFiles) => unknown)[] = [
    (files) => readIdentity({ kind: "pair", cert: file, key, password }, files),
    (files) => readIdentity({ kind: "pair", cert, key: file, password }, files),
    (files) => readIdentity({ kind: "keystore", keystore: file, password }, files),
    (files) => readIdentity({ kind: "keystore", keystore: file }, files),
    (files) => readTrust({ cacert: [file], crl: [] }, files),
    (files) => readTrust({ cacert: [cacert], crl: [file] }, files),
  ];

  /** In every second round the lengths stay right, so that it is the inside that is wrong. */
  function changed(round: number, random: Prng): Buffer {
    const seed = seeds[random.below(seeds.length)]!;
    if (round % 2 === 0) return mutate(seed, random);
    const bytes = Buffer.from(seed);
    for (let flips = random.below(3); flips >= 0; flips--) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    return bytes;
  }

  test("are read or refused, whatever is in them", () => {
    const random = createPrng();
    const codes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = round % 10 === 0 ? random.bytes(random.below(200)) : changed(round, random);
      writeFileSync(file, bytes);
      const read = readers[random.below(readers.length)]!;
      let code = "ok";
      try {
        read(new SourceFiles({ cwd: scene.folder, env: {} }));
      } catch (error) {
        const about = `seed ${random.seed}, round ${round}: ${bytes.toString("base64")}: ${Bun.inspect(error)}`;
        if (!(error instanceof PortailError)) throw new Error(about, { cause: error });
        const printed = `${error.message} ${error.hint} ${error.detail} ${Bun.inspect(error.cause)}`;
        if (printed.includes("hunter2")) throw new Error(`the password is printed: ${about}`, { cause: error });
        code = error.code;
      }
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    // Not all is refused at the first byte: the rounds get to every stage.
    for (const reached of ["ok", "identity.damaged", "identity.bad_certificate", "identity.wrong_password"])
      expect([...codes.keys()]).toContain(reached);
  });
});
