/** The password of a keyring: where it is read from, and how a new one is handed out. Never shown in a message. */
import { fstatSync, fsyncSync, statSync } from "node:fs";
import type { ArgDefinitions, ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { OutputStream, Runtime } from "../../lib/command/runtime.ts";
import { Secret } from "../../lib/identity/secret.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";

export const passwordFlags = {
  "password-file": {
    type: "string",
    valueHint: "FILE",
    group: "Keyring",
    description:
      "File, named pipe or credential:NAME with the keyring's password; without it, the value of DS_PASSWORD",
  },
} as const satisfies ArgDefinitions;

export const newPasswordFlags = {
  "new-password-file": {
    type: "string",
    valueHint: "FILE",
    group: "Keyring",
    description: "Wrap the keys under the password in this file; without it, a random one is made and printed",
  },
} as const satisfies ArgDefinitions;

/** The environment variable that holds a password itself. */
const VARIABLE = "DS_PASSWORD";

/** The password that a keyring is to be opened with, byte for byte; undefined where none is given. Throws `PortailError`. */
export function givenPassword(
  { "password-file": file }: ParsedArgs<typeof passwordFlags>,
  { env }: Pick<Runtime, "env">,
  files: SourceFiles,
): Uint8Array | undefined {
  if (file !== undefined) return Secret.ofFile(file).readVerbatim(files);
  const value = env[VARIABLE];
  return value ? Secret.ofText(value).readVerbatim(files) : undefined;
}

/** As `givenPassword`; that there is none is an error (64). */
export function requiredPassword(...given: Parameters<typeof givenPassword>): Uint8Array {
  const password = givenPassword(...given);
  if (password !== undefined) return password;
  throw new PortailError("the password of the keyring is missing", {
    code: "s3crypt.no_password",
    exit: EXIT.usage,
    hint: `name its file with --password-file, or set ${VARIABLE} to the password itself`,
  });
}

/** The bytes of a new password in `file`, all of which will count. Throws `PortailError`. */
export function chosenPassword(file: string, files: SourceFiles): Uint8Array {
  const secret = Secret.ofFile(file);
  const bytes = secret.readVerbatim(files);
  if (bytes.some((byte) => byte !== 0x0a && byte !== 0x0d)) return bytes;
  throw new PortailError(`the new password in ${JSON.stringify(file)} is empty`, {
    code: "s3crypt.empty_password",
    exit: EXIT.badData,
  });
}

/**
 * Refuses (74) to print the only copy of a password where nobody reads it. A closed standard output counts: the runtime
 * opens `/dev/null` in its place.
 */
export function refuseNowhere({ fd }: Pick<OutputStream, "fd">): void {
  const out = fstatSync(fd);
  if (!out.isCharacterDevice() || out.rdev !== statSync("/dev/null").rdev) return;
  throw new PortailError("the new password would be lost: standard output is closed or leads to /dev/null", {
    code: "s3crypt.nowhere_to_print",
    exit: EXIT.io,
    hint: "send it to a file or a pipe, or choose the password with --new-password-file",
  });
}

/**
 * Prints a new password, and returns when the system has taken it, on its disk where it goes to a file. When that fails
 * the program ends with 74, and whatever was to follow does not happen.
 */
export async function handOut(stdout: OutputStream, password: string): Promise<void> {
  stdout.write(stdout.isTTY ? `${password}\n` : password);
  await stdout.flush();
  if (!fstatSync(stdout.fd).isFile()) return;
  try {
    fsyncSync(stdout.fd);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new PortailError(`cannot write the new password to standard output: ${reason}`, {
      code: "io.stdout",
      exit: EXIT.io,
      cause: error,
    });
  }
}
