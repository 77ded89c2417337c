/** Keyrings against libsodium: what it writes is read, what is written here it opens. */
import { describe, expect, test } from "bun:test";
import {
  addKey,
  makeKeyring,
  parseKeyring,
  rewrapKeyring,
  unlockKeyring,
  type Keyring,
} from "../../commands/s3crypt/keyring.ts";
import { randomMasterKey, stretchedMasterKey } from "../../commands/s3crypt/master-key.ts";
import { LIBSODIUM } from "../support/libsodium.ts";
import { needing } from "../support/needs.ts";
import {
  randomBytes,
  randomKeys,
  randomPassword,
  readSodiumKeyring,
  writeSodiumKeyring,
} from "../support/sodium-keyring.ts";

const NAME = "keyring.toml";
const LARGEST = 2n ** 64n - 1n;
const THIRTEEN = Array.from({ length: 13 }, (_, id) => BigInt(id));
const ids = (count: number) => THIRTEEN.slice(0, count);

/** Names the error of a promise, as a script would see it. */
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: { code?: string }) => error.code,
  );

needing("keyrings of libsodium", [LIBSODIUM], () => {
  describe.each([
    ["without a salt", () => ({ password: randomPassword() })],
    ["with a salt", () => ({ password: "correct horse", salt: randomBytes(32) })],
    ["with a salt, and a password with a newline", () => ({ password: "correct\n", salt: randomBytes(32) })],
    ["with a salt, and a password in other letters", () => ({ password: "pä€𝄞 ", salt: randomBytes(32) })],
  ])("%s", (_, make) => {
    test.each([
      ["one key", ids(1)],
      ["ids 0 to 12", ids(13)],
      ["ids as a text sorts them", ids(13).toSorted((a, b) => (String(a) < String(b) ? -1 : 1))],
      ["the largest id first", [LARGEST, 9n, 10n, 2n ** 53n + 1n, 2n ** 53n]],
    ])("%s are read", async (_name, order) => {
      const access = make();
      const keys = randomKeys(order);
      const keyring = parseKeyring(writeSodiumKeyring({ ...access, keys }), NAME);
      const { keys: opened } = await unlockKeyring(keyring, Buffer.from(access.password));
      const sorted = keys.toSorted(([a], [b]) => (a < b ? -1 : 1));
      expect(opened.ids).toEqual(sorted.map(([id]) => id));
      for (const [id, key] of keys) expect(Buffer.from(opened.get(id)!)).toEqual(Buffer.from(key));
      expect(opened.newest.id).toBe(sorted.at(-1)![0]);
      expect(Buffer.from(opened.newest.key)).toEqual(Buffer.from(sorted.at(-1)![1]));
      expect(opened.get(11n) === undefined).toBe(!order.includes(11n));
    });

    test("another password opens none", async () => {
      const keyring = parseKeyring(writeSodiumKeyring({ ...make(), keys: randomKeys(ids(3)) }), NAME);
      for (const other of [randomPassword(), "correct hors", ""]) {
        expect(await codeOf(unlockKeyring(keyring, Buffer.from(other)))).toBe("s3crypt.wrong_password");
      }
    });

    test("one key of another keyring among them is named", async () => {
      const access = make();
      const [mine, other] = [access, make()].map((one) => writeSodiumKeyring({ ...one, keys: randomKeys(ids(12)) }));
      const foreign = /^7 = .*$/m.exec(other!)![0];
      const keyring = parseKeyring(mine!.replace(/^7 = .*$/m, foreign), NAME);
      const work = unlockKeyring(keyring, Buffer.from(access.password));
      await expect(work).rejects.toThrow(/but not its key 7$/);
      expect(await codeOf(work)).toBe("s3crypt.damaged_key");
    });

    test("a key added here, to ids 0 to 10, overwrites none", async () => {
      const access = make();
      const keys = randomKeys(ids(11));
      const text = writeSodiumKeyring({ ...access, keys });
      const keyring = parseKeyring(text, NAME);
      const { master } = await unlockKeyring(keyring, Buffer.from(access.password));
      const added = addKey(keyring, master, randomBytes);
      expect(added.id).toBe(11n);
      expect(added.text.startsWith(text)).toBe(true);
      const found = readSodiumKeyring(added.text, access.password);
      expect([...found.keys()]).toEqual(ids(12));
      for (const [id, key] of keys) expect(found.get(id)).toEqual(key);
      expect(found.get(11n)).toHaveLength(32);
    });
  });

  test("a newline that an editor added or a shell took away does not matter under a salt", async () => {
    const salt = randomBytes(32);
    for (const [written, given] of [
      ["secret\n", "secret"],
      ["secret", "secret\n"],
      ["secret", "secret\r\n"],
    ] as const) {
      const keyring = parseKeyring(writeSodiumKeyring({ password: written, salt, keys: randomKeys(ids(1)) }), NAME);
      expect((await unlockKeyring(keyring, Buffer.from(given))).keys.ids).toEqual([0n]);
    }
    const keyring = parseKeyring(writeSodiumKeyring({ password: "secret", salt, keys: randomKeys(ids(1)) }), NAME);
    for (const wrong of ["secret\n\n", "secret ", " secret", "Secret"]) {
      expect(await codeOf(unlockKeyring(keyring, Buffer.from(wrong)))).toBe("s3crypt.wrong_password");
    }
  });

  test("a keyring made here, grown to 13 keys and put under other passwords, is opened by libsodium at each step", async () => {
    const first = randomMasterKey(randomBytes);
    let keyring: Keyring = parseKeyring(makeKeyring(first.master, randomBytes), NAME);
    const seen = readSodiumKeyring(keyring.text, first.password);
    for (let id = 1n; id <= 12n; id++) {
      keyring = parseKeyring(addKey(keyring, first.master, randomBytes).text, NAME);
      const now = readSodiumKeyring(keyring.text, first.password);
      expect([...now.keys()]).toEqual(ids(Number(id) + 1));
      for (const [each, key] of seen) expect(now.get(each)).toEqual(key!);
      seen.set(id, now.get(id));
    }
    expect(new Set(Array.from(seen.values(), (key) => Buffer.from(key!).toString("hex"))).size).toBe(13);
    const { keys } = await unlockKeyring(keyring, Buffer.from(first.password));
    const chosen = await stretchedMasterKey(Buffer.from("my own\n"), randomBytes);
    const salted = rewrapKeyring(keyring, keys, chosen, randomBytes);
    expect(readSodiumKeyring(salted, "my own\n")).toEqual(seen);
    expect([...readSodiumKeyring(salted, "my own").values()]).toEqual(ids(13).map(() => undefined));
    const second = randomMasterKey(randomBytes);
    const bare = rewrapKeyring(parseKeyring(salted, NAME), keys, second.master, randomBytes);
    expect(bare).not.toContain("salt");
    expect(readSodiumKeyring(bare, second.password)).toEqual(seen);
  });

  test("a data key that is the master key itself, as old keyrings have it", async () => {
    const password = randomPassword();
    const key = new Uint8Array(Buffer.from(password, "base64"));
    const keyring = parseKeyring(writeSodiumKeyring({ password, keys: [[0n, key]] }), NAME);
    const { keys } = await unlockKeyring(keyring, Buffer.from(`${password}\n`));
    expect(Buffer.from(keys.newest.key)).toEqual(Buffer.from(key));
  });
});
