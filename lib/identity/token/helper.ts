/** The process that has a PKCS#11 module loaded: does what it is asked, one after the other. What crashes or blocks it, it alone. */
import { openModule } from "./open-module.ts";
import type { Ask, FoundObject, Reply } from "./messages.ts";
import { TokenError, type TokenModule, type TokenSession } from "./module.ts";

/** Says to the program that it is to be this. */
const HELPER = "PORTAIL_TOKEN_HELPER";

export function isTokenHelper(env: Readonly<Record<string, string | undefined>>): boolean {
  return env[HELPER] === "1" && process.send !== undefined;
}

/** What the process must not have: the PIN, and the address of the runtime's inspector, at which the program has one. */
const WITHHELD: ReadonlySet<string> = new Set(["PKCS11_PIN", "BUN_INSPECT"]);

/** The environment of the process: that of the program, but for what is withheld. */
export function helperEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && !WITHHELD.has(entry[0]);
  });
  return { ...Object.fromEntries(kept), [HELPER]: "1" };
}

/** Serves until the program is gone. */
export function serveToken(): Promise<never> {
  const helper = new TokenHelper();
  let turn = Promise.resolve();
  // The service manager means the program, which ends this process by ending itself.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const) process.on(signal, () => {});
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message) => {
    const { id, ask } = message as { id: number; ask: Ask };
    turn = turn.then(async () => void process.send?.(await helper.answer(id, ask)));
  });
  return new Promise(() => {});
}

class TokenHelper {
  #module: TokenModule | undefined;
  readonly #sessions = new Map<number, TokenSession>();

  async answer(id: number, ask: Ask): Promise<Reply> {
    try {
      return { id, ok: true, value: await this.#do(ask) };
    } catch (error) {
      const { message } = error as Error;
      const known = error instanceof TokenError ? error : undefined;
      return { id, ok: false, call: known?.call, rv: known?.rv ?? -1, message };
    }
  }

  async #do(ask: Ask): Promise<unknown> {
    if (ask.op === "load") {
      this.#module ??= await openModule(ask.path, ask.binding);
      return { binding: this.#module.binding, info: this.#module.info() };
    }
    const module = this.#module!;
    switch (ask.op) {
      case "slots":
        return module.slots();
      case "mechanisms":
        return module.mechanisms(ask.slot);
      case "login":
        return this.#session(ask.slot).login(ask.pin);
      case "objects":
        return this.#objects(ask);
      case "sign":
        return this.#session(ask.slot).sign(ask.key, ask.mechanism, ask.data, ask.contextPin);
      case "forget":
        return this.#forget(ask.slot);
    }
  }

  #session(slot: number): TokenSession {
    let session = this.#sessions.get(slot);
    if (session === undefined) this.#sessions.set(slot, (session = this.#module!.open(slot)));
    return session;
  }

  #objects({ slot, wanted, attributes }: Ask & { op: "objects" }): FoundObject[] {
    const session = this.#session(slot);
    return session.find(wanted).map((handle) => {
      return { handle, values: attributes.map((attribute) => session.attribute(handle, attribute)) };
    });
  }

  #forget(slot: number): undefined {
    this.#sessions.get(slot)?.close();
    this.#sessions.delete(slot);
  }
}
