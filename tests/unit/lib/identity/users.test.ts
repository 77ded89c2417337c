/** Hashes made by others, and who is not let in. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseUsers } from "../../../../lib/identity/users.ts";

setDefaultTimeout(60_000);

/** Who asks, where it does not matter. */
const CLIENT = "192.0.2.1";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

/** Made by htpasswd(1) of Apache 2.4.71: `htpasswd -nbB -C COST NAME PASSWORD`. */
const HTPASSWD = `# users of the proxy
alice:$2y$04$yA3G955AZjSTvMtm8h216.CCNDAjLHG4YjvBX35yw7uVxkJNjVBYm

bob:$2y$04$flhY7ebnKO8DCUxm4GjxvuupDBQrvImeVp7kgVgHki1Bl3L6zltji\r
zoé:$2y$04$IDD6JOVhRbTMb1tt02hUxuNOQDhVXHUd9UURQEVvjcIioNhg/ZBTW
carol:$2y$05$09UH2fTMWNrYevXzeLJ5pe18U4mjueU55YNpNMsfDJB5cOhA7ASve:extra
`;

/** Published with crypt_blowfish (Openwall), file wrapper.c. */
const OPENWALL: [hash: string, password: string][] = [
  ["$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  ["$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"],
  ["$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"],
];

/** The reference vector of the Argon2 library's README: `echo -n password | argon2 somesalt -t 2 -m 16 -p 4 -l 24`. */
const ARGON2 = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";

describe("hashes of others are understood", () => {
  const users = parseUsers(HTPASSWD, "users");

  test.each([
    ["alice", "correct horse"],
    ["bob", "pass:word"],
    ["zoé", "mötley"],
    ["carol", "correct horse"],
  ])("htpasswd: %s", async (name, password) => {
    expect(await users.verify(name, bytes(password), CLIENT)).toBe(true);
    expect(await users.verify(name, bytes(`${password}x`), CLIENT)).toBe(false);
    expect(await users.verify(name, bytes(password.toUpperCase()), CLIENT)).toBe(false);
  });

  test("they are as many as there are lines with a name", () => expect(users.count).toBe(4));

  test.each(OPENWALL)("crypt_blowfish: %s", async (hash, password) => {
    expect(await parseUsers(`u:${hash}`, "users").verify("u", bytes(password), CLIENT)).toBe(true);
    expect(await parseUsers(`u:${hash}`, "users").verify("u", bytes(`${password}!`), CLIENT)).toBe(false);
  });

  test("Argon2", async () => {
    expect(await parseUsers(`u:${ARGON2}`, "users").verify("u", bytes("password"), CLIENT)).toBe(true);
    expect(await parseUsers(`u:${ARGON2}`, "users").verify("u", bytes("Password"), CLIENT)).toBe(false);
  });
});

describe("who is not let in", () => {
  const users = parseUsers(HTPASSWD, "users");

  test.each([
    ["an unknown user with a known password", "mallory", "correct horse"],
    ["another user's password", "bob", "correct horse"],
    ["an empty password", "alice", ""],
    ["an empty name", "", "correct horse"],
    ["a name in another case", "Alice", "correct horse"],
    ["a name with a space behind it", "alice ", "correct horse"],
    ["the hash as the password", "alice", "$2y$04$yA3G955AZjSTvMtm8h216.CCNDAjLHG4YjvBX35yw7uVxkJNjVBYm"],
  ])("%s", async (_, name, password) => expect(await users.verify(name, bytes(password), CLIENT)).toBe(false));

  test("one who is right once is right again, and one who is wrong stays wrong", async () => {
    for (let i = 0; i < 3; i++) {
      expect(await users.verify("alice", bytes("correct horse"), CLIENT)).toBe(true);
      expect(await users.verify("alice", bytes("correct house"), CLIENT)).toBe(false);
    }
  });

  test("name and password are kept apart: no other cut of them is taken for a known pair", async () => {
    const tricky = parseUsers(`ab:${OPENWALL[0]![0]}`, "users");
    expect(await tricky.verify("ab", bytes("U*U"), CLIENT)).toBe(true);
    expect(await tricky.verify("a", bytes("bU*U"), CLIENT)).toBe(false);
    expect(await tricky.verify("ab\0U*U", bytes(""), CLIENT)).toBe(false);
  });

  test("a hash that the runtime cannot read matches nothing", async () => {
    for (const hash of [
      "$2y$04$short",
      "$2y$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
      "$argon2id$broken",
    ]) {
      expect(await parseUsers(`u:${hash}`, "users").verify("u", bytes("x"), CLIENT)).toBe(false);
    }
  });
});

test("many who guess at once are answered, all of them, and none is let in", async () => {
  const users = parseUsers(HTPASSWD, "users");
  const guesses = Array.from({ length: 400 }, (_, i) => users.verify("alice", bytes(`guess ${i}`), CLIENT));
  const answers = await Promise.all(guesses);
  expect(answers.filter(Boolean)).toEqual([]);
  expect(await users.verify("alice", bytes("correct horse"), CLIENT)).toBe(true);
});

test("one who guesses keeps no other client out, and is heard again when it is done", async () => {
  const users = parseUsers(HTPASSWD, "users");
  const guesses = Array.from({ length: 2000 }, (_, i) => users.verify("alice", bytes(`guess ${i}`), CLIENT));
  expect(await users.verify("alice", bytes("correct horse"), "198.51.100.1")).toBe(true);
  await Promise.all(guesses);
  expect(await users.verify("bob", bytes("pass:word"), CLIENT)).toBe(true);
});

test("many connections of one client with one password are one question: none is refused", async () => {
  const users = parseUsers(HTPASSWD, "users");
  const same = Array.from({ length: 300 }, () => users.verify("alice", bytes("correct horse"), CLIENT));
  expect((await Promise.all(same)).every(Boolean)).toBe(true);
});

describe("a file that is wrong is refused with the line, and never with a hash", () => {
  test.each([
    ["no colon", "alice", 1, "NAME:HASH"],
    ["no name", "\n:$2y$04$x", 2, "NAME:HASH"],
    ["a plain password", "alice:secret", 1, "no bcrypt or Argon2 hash"],
    ["MD5, as htpasswd makes without -B", "carol:$apr1$NfqaoPDw$V6n8FiOzPFnRMowFzllMv/", 1, "no bcrypt or Argon2 hash"],
    ["SHA-1, as htpasswd -s", "dave:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=", 1, "no bcrypt or Argon2 hash"],
    ["a name twice", "a:$2y$04$x\nb:$2y$04$x\na:$2y$04$y", 3, "a second time"],
    ["nobody", "# nobody\n\n", 1, "names no user"],
    ["nothing", "", 1, "names no user"],
  ])("%s", (_, text, line, why) => {
    const attempt = () => parseUsers(text, "file.users");
    expect(attempt).toThrow(expect.objectContaining({ code: "users.syntax", exit: 65 }));
    expect(attempt).toThrow(`file.users:${line}:`);
    expect(attempt).toThrow(why);
    for (const secret of ["secret", "$2y$", "$apr1$", "{SHA}"]) expect(attempt).not.toThrow(secret);
  });
});
