/** Logs in to a token with its PIN: a wrong one is tried once, since tokens lock after a few. Keeps what was right. */
import { EXIT, PortailError } from "../../command/errors.ts";
import { CKF, CKR } from "../../wire/cryptoki.ts";
import type { Secret } from "../secret.ts";
import type { SourceFiles } from "../source-files.ts";
import { askAtTerminal } from "./ask-at-terminal.ts";
import type { TokenSlot } from "./find.ts";
import { TokenRefusal, type TokenProcess } from "./process.ts";

/** Errors that say that the PIN is not this one. */
const WRONG: ReadonlySet<number> = new Set([CKR.pinIncorrect, CKR.pinInvalid, CKR.pinLenRange]);

/** PINs of the tokens of one program: those that were right, and those that were not and are not tried again. */
export class Logins {
  readonly #files: SourceFiles;
  readonly #right = new Map<string, string>();
  readonly #wrong = new Map<string, string>();

  constructor(files: SourceFiles) {
    this.#files = files;
  }

  /** The PIN that was right for the token, for keys that want it again and again. */
  pinOf(slot: TokenSlot): string | undefined {
    return this.#right.get(keyOf(slot));
  }

  /**
   * Logs in, if the token wants that. Without `secret` a person at the terminal is asked, once. Throws `PortailError`
   * (`token.*`), never with the PIN. `again` is for a session that was lost: nobody is asked then.
   */
  async login(process: TokenProcess, slot: TokenSlot, secret: Secret | undefined, again = false): Promise<void> {
    const { flags, label } = slot.token;
    const name = JSON.stringify(label);
    if ((flags & CKF.loginRequired) === 0) return;
    if (flags & CKF.userPinLocked) throw locked(name);
    const key = keyOf(slot);
    const pin = this.#read(slot, secret, again);
    if (pin !== undefined) {
      if (this.#wrong.get(key) === pin) throw wrong(name, "it was refused before, and is not tried again");
      // Of a PIN that was right the count does not matter.
      if (flags & CKF.userPinFinalTry && this.#right.get(key) !== pin) throw lastTry(name);
    }
    try {
      // What was not looked at takes no place of what was right.
      if ((await process.ask({ op: "login", slot: slot.id, pin })) && this.#right.has(key)) return;
    } catch (error) {
      if (!(error instanceof TokenRefusal)) throw error;
      if (error.rv === CKR.pinLocked) throw locked(name);
      if (error.rv === CKR.userPinNotInitialized)
        throw refused(name, "has no PIN yet", "initialize its user PIN first");
      if (error.rv === CKR.pinExpired)
        throw refused(name, "wants a new PIN", "change the PIN with the token's own tool");
      if (!WRONG.has(error.rv)) throw error;
      if (pin !== undefined) this.#wrong.set(key, pin);
      this.#right.delete(key);
      throw wrong(name, "the token refuses it");
    }
    if (pin !== undefined) this.#right.set(key, pin);
  }

  #read(slot: TokenSlot, secret: Secret | undefined, again: boolean): string | undefined {
    const known = this.#right.get(keyOf(slot));
    if (again && known !== undefined) return known;
    if (secret !== undefined) return secret.read(this.#files);
    if (known !== undefined) return known;
    // The token has a pad of its own.
    if (slot.token.flags & CKF.protectedAuthenticationPath) return undefined;
    const name = JSON.stringify(slot.token.label);
    const typed = again ? undefined : askAtTerminal(`PIN of the token ${name}: `);
    if (typed !== undefined && typed !== "") return typed;
    throw new PortailError(`the token ${name} wants a PIN`, {
      code: "token.pin_missing",
      exit: EXIT.usage,
      hint: "give --pkcs11-pin-file FILE, pin-source in the URI, or PKCS11_PIN in the environment",
    });
  }
}

function keyOf({ token }: TokenSlot): string {
  return JSON.stringify([token.manufacturer, token.model, token.serial, token.label]);
}

function wrong(name: string, why: string): PortailError {
  return new PortailError(`the PIN of the token ${name} is wrong: ${why}`, {
    code: "token.wrong_pin",
    exit: EXIT.noPrivilege,
    hint: "it was tried once; tokens lock after a few wrong ones, so do not start again and again",
  });
}

function lastTry(name: string): PortailError {
  return new PortailError(`the token ${name} locks at the next wrong PIN, so that none is tried`, {
    code: "token.pin_last_try",
    exit: EXIT.noPrivilege,
    hint: "log in once with another tool, such as `pkcs11-tool --login --test`, which resets the count",
  });
}

function locked(name: string): PortailError {
  return new PortailError(`the PIN of the token ${name} is locked`, {
    code: "token.pin_locked",
    exit: EXIT.noPrivilege,
    hint: "the security officer of the token can set a new one",
  });
}

function refused(name: string, why: string, hint: string): PortailError {
  return new PortailError(`the token ${name} ${why}`, { code: "token.pin_unusable", exit: EXIT.noPrivilege, hint });
}
