/** Passwords and PINs: where they come from, and no way for them to get into a log. Keeps none of its own accord. */
import { inspect } from "node:util";
import { EXIT, PortailError } from "../command/errors.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import type { SourceFiles } from "./source-files.ts";

type Origin =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string };

const LONGEST = 64 * 1024;
const SHOWN = "[secret]";

/** A secret that has not been looked at. Whatever prints it prints a stand-in. */
export class Secret {
  readonly #origin: Origin;

  private constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** What a flag or an environment variable says. */
  static ofText(text: string): Secret {
    return new Secret({ kind: "text", text });
  }

  /** What a file, a named pipe or `credential:NAME` says, as lib/identity/source-files.ts reads them. */
  static ofFile(name: string): Secret {
    return new Secret({ kind: "file", name });
  }

  /** What a variable of the environment says. */
  static ofVariable(name: string): Secret {
    return new Secret({ kind: "variable", name });
  }

  /**
   * The secret, without one newline at its end when it is in a file. A regular file is read anew at each call.
   * Throws `PortailError`, never with a part of it.
   */
  read(files: SourceFiles): string {
    if (this.#origin.kind === "text") return this.#origin.text;
    const { name } = this.#origin;
    if (this.#origin.kind === "variable") return valueOf(name, files);
    const bytes = files.read(name, "secret");
    const text = bytes.length > LONGEST ? undefined : decodeUtf8(bytes);
    if (text === undefined || text.includes("\0")) {
      throw bad(`the password in ${JSON.stringify(name)} is no text`, "be UTF-8 of at most 64 KiB, without zero bytes");
    }
    return text.replace(/\r?\n$/, "");
  }

  /** As `read`, but byte for byte, whatever bytes they are: for formats in which a newline at the end counts. */
  readVerbatim(files: SourceFiles): Uint8Array {
    if (this.#origin.kind === "text") return Buffer.from(this.#origin.text);
    const { name } = this.#origin;
    if (this.#origin.kind === "variable") return Buffer.from(valueOf(name, files));
    const bytes = files.read(name, "secret");
    if (bytes.length > LONGEST) throw bad(`the password in ${JSON.stringify(name)} is too long`, "be at most 64 KiB");
    return bytes;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

function valueOf(variable: string, { env }: SourceFiles): string {
  const value = env[variable];
  if (value !== undefined && value !== "") return value;
  throw new PortailError(`the environment variable ${JSON.stringify(variable)} is not set`, {
    code: "identity.no_variable",
    exit: EXIT.noInput,
    hint: "it is to hold the secret",
  });
}

function bad(message: string, must: string): PortailError {
  return new PortailError(message, { code: "identity.bad_secret", exit: EXIT.badData, hint: `it must ${must}` });
}
