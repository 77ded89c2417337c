/** Keyrings as texts: what is refused, what a change keeps, and that no message repeats a value. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import {
  addKey,
  makeKeyring,
  parseKeyring,
  rewrapKeyring,
  unlockKeyring,
} from "../../../../commands/s3crypt/keyring.ts";
import { randomMasterKey, stretchedMasterKey, type Random } from "../../../../commands/s3crypt/master-key.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { randomBytes } from "../../../support/sodium-keyring.ts";

const { master, password } = randomMasterKey(randomBytes);
const SECRET = Buffer.from(password);
const text = makeKeyring(master, randomBytes);
const BLOB = /"(.{96})"/.exec(text)![1]!;
/** Base64 of 72 bytes that nothing opens. */
const OTHER = Buffer.alloc(72, 7).toString("base64");
const SALT = Buffer.alloc(32, 1).toString("base64");

const parsed = (toml: string) => parseKeyring(toml, "k.toml");

/** Adds a key and gives the whole new text. */
const grown = (toml: string) => addKey(parsed(toml), master, randomBytes).text;

async function rewrapped(toml: string, to = master, random: Random = randomBytes): Promise<string> {
  const keyring = parsed(toml);
  return rewrapKeyring(keyring, (await unlockKeyring(keyring, SECRET)).keys, to, random);
}

function refusal(work: () => unknown): PortailError {
  try {
    work();
  } catch (error) {
    if (error instanceof PortailError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("a new keyring is laid out as the reference does", () => {
  expect(text).toBe(`[keys]\n0 = "${BLOB}"\n`);
});

describe("is refused:", () => {
  const key = (line: string) => `[keys]\n${line}\n`;
  test.each([
    ["nothing", ""],
    ["no table of keys", `salt = "${SALT}"\n`],
    ["an empty table of keys", "[keys]\n"],
    ["keys that are a number", "keys = 5\n"],
    ["keys that are a date", "keys = 1979-05-27\n"],
    ["keys that are a list", `keys = ["${OTHER}"]\n`],
    ["several tables of keys", `[[keys]]\n0 = "${OTHER}"\n`],
    ["keys below something else", `[more.keys]\n0 = "${OTHER}"\n`],
    ["a salt that is a number", `salt = 5\n${text}`],
    ["a salt of 31 bytes", `salt = "${Buffer.alloc(31).toString("base64")}"\n${text}`],
    ["a salt of 33 bytes", `salt = "${Buffer.alloc(33).toString("base64")}"\n${text}`],
    ["an empty salt", `salt = ""\n${text}`],
    ["a salt without its padding", `salt = "${SALT.replace("=", "")}"\n${text}`],
    ["a salt with bits that mean nothing", `salt = "${SALT.replace("E=", "F=")}"\n${text}`],
    ["a salt in the alphabet of URLs", `salt = "${"_".repeat(43)}="\n${text}`],
    ["a key of 71 bytes", key(`0 = "${Buffer.alloc(71).toString("base64")}"`)],
    ["a key of 73 bytes", key(`0 = "${Buffer.alloc(73).toString("base64")}"`)],
    ["an empty key", key('0 = ""')],
    ["a key that is no base64", key(`0 = "${"!".repeat(96)}"`)],
    ["a key with white space in it", key(`0 = "${OTHER.slice(0, 48)} ${OTHER.slice(48)}"`)],
    ["a key with a newline in it", key(`0 = """${OTHER.slice(0, 48)}\n${OTHER.slice(48)}"""`)],
    ["a key that is a number", key("0 = 5")],
    ["a key that is a table", key("[keys.0]")],
    ["a bad key among good ones", `${text}1 = "${OTHER.slice(4)}"\n`],
    ["the id -1", key(`-1 = "${OTHER}"`)],
    ["the id 1.5", key(`1.5 = "${OTHER}"`)],
    ["the id 1.5 in quotes", key(`"1.5" = "${OTHER}"`)],
    ["the id 2^64", key(`18446744073709551616 = "${OTHER}"`)],
    ["the id 10^20", key(`100000000000000000000 = "${OTHER}"`)],
    ["the id 01", key(`01 = "${OTHER}"`)],
    ["the id +1", key(`"+1" = "${OTHER}"`)],
    ["the id 1e3", key(`1e3 = "${OTHER}"`)],
    ["the id 0x1", key(`0x1 = "${OTHER}"`)],
    ["the id 1 behind a space", key(`" 1" = "${OTHER}"`)],
    ["digits of another script", key(`"\u0661" = "${OTHER}"`)],
    ["an empty id", key(`"" = "${OTHER}"`)],
    ["the id __proto__", key(`__proto__ = "${OTHER}"`)],
    ["an id twice", `${text}0 = "${OTHER}"\n`],
    ["an id twice, once in quotes", `${text}"0" = "${OTHER}"\n`],
    ["two tables of keys", `${text}[keys]\n1 = "${OTHER}"\n`],
    ["two salts", `salt = "${SALT}"\nsalt = "${SALT}"\n${text}`],
    ["what is no TOML", "hunter2"],
    ["what is nested without end", `x = ${"[".repeat(100_000)}\n`],
    ["half of a keyring", text.slice(0, 60)],
  ])("%s", (_, toml) => {
    const { code, exit, message, hint, detail } = refusal(() => parsed(toml));
    expect([code, exit]).toEqual(["s3crypt.bad_keyring", 65]);
    for (const secret of [OTHER.slice(0, 8), BLOB.slice(0, 8), SALT.slice(0, 8), "hunter2", "!!!"])
      expect(`${message}${hint}${detail}`).not.toContain(secret);
  });

  test("a bad key by its id", () => {
    expect(refusal(() => parsed(`${text}17 = "x"\n`)).message).toContain("key 17 is not base64 of 72 bytes");
  });
});

describe("every bit of a wrapped key counts:", () => {
  const bytes = Buffer.from(BLOB, "base64");
  test.each(Array.from(bytes, (_, place) => place))("byte %i", async (place) => {
    const changed = Buffer.from(bytes);
    changed[place]! ^= 1 << (place % 8);
    const keyring = parsed(`[keys]\n0 = "${changed.toString("base64")}"\n1 = "${BLOB}"\n`);
    await expect(unlockKeyring(keyring, SECRET)).rejects.toMatchObject({ code: "s3crypt.damaged_key", exit: 65 });
  });
});

describe("a password", () => {
  test.each(["", "x", password.slice(1), `${password}=`, ` ${password}`, `${password}\n\n`, password.toLowerCase()])(
    "%j is wrong without a salt, and no message repeats it",
    async (wrong) => {
      const error = await unlockKeyring(parsed(text), Buffer.from(wrong)).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "s3crypt.wrong_password", exit: 65 });
      const { message, hint } = error as PortailError;
      if (wrong.length > 1) expect(`${message}${hint}`).not.toContain(wrong.trim());
    },
  );

  test.each(["", "\n", "\r\n"])("may end with %j without a salt", async (end) => {
    const { keys } = await unlockKeyring(parsed(text), Buffer.from(password + end));
    expect(keys.ids).toEqual([0n]);
  });

  test("of bytes that are no text opens what it was chosen for", async () => {
    const bytes = Uint8Array.of(0xff, 0, 0xc3, 10, 10);
    const chosen = await stretchedMasterKey(bytes, randomBytes);
    const keyring = parsed(makeKeyring(chosen, randomBytes));
    expect((await unlockKeyring(keyring, bytes)).keys.ids).toEqual([0n]);
    await expect(unlockKeyring(keyring, bytes.subarray(0, 3))).rejects.toThrow("does not open");
  });
});

describe("a new key", () => {
  test("stands behind the last one, and all else stays", () => {
    const before = `# made in May\ntitle = "x"\n\n[keys]\n  # old\n  0 = "${BLOB}" # of 2024\n\n  9 = '${OTHER}'\n\n[more]\nsize = 1.0\n# end`;
    const after = grown(before);
    const [line] = /^ {2}10 = ".{96}"\n/m.exec(after)!;
    expect(after).toBe(before.replace(`'${OTHER}'\n`, `'${OTHER}'\n${line}`));
  });

  test("comes on a line of its own where the last line has no end", () => {
    expect(grown(text.trimEnd())).toStartWith(`${text}1 = "`);
  });

  test.each([
    ["an inline table", `keys = { 0 = "${BLOB}" } # all\n[more]\nsize = 1.0\nbig = 9007199254740993\n`],
    ["dotted keys", `keys.0 = "${BLOB}"\nmore.size = 1.0\nmore.big = 9007199254740993\n`],
    ["a copy in another table", `${text}[more]\nsize = 1.0\nbig = 9007199254740993\ncopy = "${BLOB}"\n`],
  ])("in %s loses no value", (_, toml) => {
    const after = grown(toml);
    const [was, is] = [toml, after].map((each) => parse(each, { integersAsBigInt: true }) as Record<string, object>);
    expect(Object.keys(is!["keys"]!)).toEqual(["0", "1"]);
    expect(is!["keys"]).toMatchObject({ 0: BLOB });
    expect(is!["more"]).toEqual(was!["more"]!);
    expect(after).toMatch(/size = 1\.0\b/);
    expect(parsed(after).ids).toEqual([0n, 1n]);
  });

  test("gets the id behind the largest, as a number", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt(0n, 2n ** 64n - 2n), { minLength: 1, maxLength: 20 }), (ids) => {
        const lines = ids.map((id) => `${id} = "${BLOB}"\n`);
        const { id, text: after } = addKey(parsed(`[keys]\n${lines.join("")}`), master, randomBytes);
        expect(id).toBe(ids.reduce((a, b) => (a > b ? a : b)) + 1n);
        expect(after).toStartWith(`[keys]\n${lines.join("")}`);
        expect(parsed(after).ids).toEqual([...ids, id].toSorted((a, b) => (a < b ? -1 : 1)));
      }),
      { numRuns: 50 },
    );
  });

  test("beyond 2^64 - 1 there is none", () => {
    const error = refusal(() => grown(`[keys]\n18446744073709551615 = "${BLOB}"\n`));
    expect([error.code, error.exit]).toEqual(["s3crypt.bad_keyring", 65]);
  });
});

describe("under another password", () => {
  const commented = `# top\nsalt = "${SALT}" # salt\n[keys] # all\n0 = "BLOB" # first\n[more]\nx = 2024-05-01\n`;

  test("salt and keys change, and all else stays", async () => {
    const first = await stretchedMasterKey(SECRET, () => Buffer.from(SALT, "base64"));
    const blob = /"(.{96})"/.exec(makeKeyring(first, randomBytes))![1]!;
    const before = commented.replace("BLOB", blob);
    const second = await stretchedMasterKey(SECRET, randomBytes);
    const after = await rewrapped(before, second);
    expect(after).toBe(
      before.replace(SALT, Buffer.from(second.salt!).toString("base64")).replace(blob, /^0 = "(.*)"/m.exec(after)![1]!),
    );
    expect(after).not.toContain(blob);
    const bare = await rewrapped(before, master);
    expect(bare).toMatch(/^# top\n\[keys\] # all\n0 = ".{96}" # first\n\[more\]\nx = 2024-05-01\n$/);
  });

  test("a salt comes to the top where there was none", async () => {
    const second = await stretchedMasterKey(SECRET, randomBytes);
    const salt = Buffer.from(second.salt!).toString("base64");
    expect(await rewrapped(`# mine\n${text}`, second)).toStartWith(`salt = "${salt}"\n# mine\n[keys]\n0 = "`);
  });

  test("a value that only looks like a key stays", async () => {
    const after = await rewrapped(`${text}[more]\ncopy = "${BLOB}"\n`);
    expect(parse(after)).toMatchObject({ more: { copy: BLOB } });
    expect(parse(after)).not.toMatchObject({ keys: { 0: BLOB } });
    expect((await unlockKeyring(parsed(after), SECRET)).keys.ids).toEqual([0n]);
  });

  test("every wrapping has its own nonce", async () => {
    const two = `[keys]\n0 = "${BLOB}"\n1 = "${BLOB}"\n`;
    const blobs = [...(await rewrapped(two)).matchAll(/"(.{96})"/g)].map(([, blob]) => blob!.slice(0, 32));
    expect(new Set([...blobs, BLOB.slice(0, 32)]).size).toBe(3);
  });
});
