/** Logins to a token that only counts them: when a PIN is tried, when it is not, and what is remembered. */
import { expect, test } from "bun:test";
import { Secret } from "../../../../../lib/identity/secret.ts";
import { SourceFiles } from "../../../../../lib/identity/source-files.ts";
import type { TokenSlot } from "../../../../../lib/identity/token/find.ts";
import { Logins } from "../../../../../lib/identity/token/login.ts";
import { TokenRefusal, type TokenProcess } from "../../../../../lib/identity/token/process.ts";
import { CKF, CKR } from "../../../../../lib/wire/cryptoki.ts";

const PIN = "the-right-one";
const files = new SourceFiles({ cwd: "/", env: {} });

class FakeToken {
  readonly tried: (string | undefined)[] = [];
  /** What it answers in place of its own judgement. */
  rv: number | undefined;
  loggedIn = false;

  get process(): TokenProcess {
    return { ask: (ask: { pin: string | undefined }) => this.#login(ask.pin) } as never;
  }

  async #login(pin: string | undefined): Promise<boolean> {
    this.tried.push(pin);
    if (this.loggedIn) return true;
    const rv = this.rv ?? (pin === PIN ? CKR.ok : CKR.pinIncorrect);
    if (rv !== CKR.ok) throw new TokenRefusal("C_Login", rv, "");
    this.loggedIn = true;
    return false;
  }
}

function slot(flags: number = CKF.loginRequired): TokenSlot {
  const token = { label: "t", manufacturer: "m", model: "", serial: "1", flags };
  return { id: 1, description: "", manufacturer: "", token };
}

const secret = (text = PIN) => Secret.ofText(text);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

test("a wrong PIN is tried once, and another one may be right", async () => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  for (let i = 0; i < 3; i++)
    await expect(logins.login(token.process, slot(), secret("wrong"))).rejects.toEqual(code("token.wrong_pin"));
  expect(token.tried).toEqual(["wrong"]);
  await logins.login(token.process, slot(), secret());
  expect(logins.pinOf(slot())).toBe(PIN);
});

test("what was right is used again for a session that was lost, whatever the source says by then", async () => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  await logins.login(token.process, slot(), secret());
  token.loggedIn = false;
  await logins.login(token.process, slot(), secret("changed"), true);
  expect(token.tried).toEqual([PIN, PIN]);
});

test("a PIN that nobody looked at takes no place of the right one", async () => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  await logins.login(token.process, slot(), secret());
  await logins.login(token.process, slot(), secret("never-looked-at"));
  expect(logins.pinOf(slot())).toBe(PIN);
});

test("a PIN that is not right any more is forgotten, and the source is asked", async () => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  await logins.login(token.process, slot(), secret());
  Object.assign(token, { loggedIn: false, rv: CKR.pinIncorrect });
  await expect(logins.login(token.process, slot(), secret("new"), true)).rejects.toEqual(code("token.wrong_pin"));
  token.rv = CKR.ok;
  await logins.login(token.process, slot(), secret("new"), true);
  expect(token.tried).toEqual([PIN, PIN, "new"]);
});

const { loginRequired, userPinLocked, userPinFinalTry, protectedAuthenticationPath } = CKF;
test.each([
  ["locked", loginRequired | userPinLocked, "token.pin_locked"],
  ["about to lock", loginRequired | userPinFinalTry, "token.pin_last_try"],
])("nothing is tried where the PIN is %s", async (_name, flags, reason) => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  await expect(logins.login(token.process, slot(flags), secret())).rejects.toEqual(code(reason));
  expect(token.tried).toEqual([]);
});

test("a token that asks for none is not logged in to, and one with a pad of its own asks there", async () => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  await logins.login(token.process, slot(0), secret());
  expect(token.tried).toEqual([]);
  token.rv = CKR.ok;
  await logins.login(token.process, slot(loginRequired | protectedAuthenticationPath), undefined);
  expect(token.tried).toEqual([undefined]);
});

test.each([
  [CKR.pinLocked, "token.pin_locked"],
  [CKR.pinLenRange, "token.wrong_pin"],
  [CKR.userPinNotInitialized, "token.pin_unusable"],
  [CKR.pinExpired, "token.pin_unusable"],
  [CKR.deviceError, "token.refused"],
])("CKR 0x%x", async (rv, reason) => {
  const [token, logins] = [new FakeToken(), new Logins(files)];
  token.rv = rv;
  await expect(logins.login(token.process, slot(), secret())).rejects.toEqual(code(reason));
});
