/** The keyring's file: read, made, and changed under a lock. What is in it is keyring.ts. */
import { lstatSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { ArgDefinitions, ParsedArgs } from "../../lib/command/define.ts";
import { usage } from "../../lib/command/argv.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { existing, stageNewFile, stageReplacement, type StagedFile } from "../../lib/command/write-file.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { decodeUtf8 } from "../../lib/wire/utf8.ts";
import { lockPath } from "./keyring-lock.ts";
import { parseKeyring, unlockKeyring, type DataKeys, type Keyring, type OpenKeyring } from "./keyring.ts";
import { passwordFlags, requiredPassword } from "./password.ts";

export const keyringFlags = {
  "keyring-file": {
    type: "string",
    valueHint: "FILE",
    group: "Keyring",
    env: "DS_KEYRING",
    required: true,
    description: "The keyring; DS_KEYRING of the environment names it too",
  },
} as const satisfies ArgDefinitions;

/** Whatever encrypts or decrypts has these. */
export const keyFlags = { ...keyringFlags, ...passwordFlags } as const satisfies ArgDefinitions;

type KeyArgs = ParsedArgs<typeof keyFlags>;

/** Some thousand keys. */
const MOST_BYTES = 2 ** 20;
const CREDENTIAL = "credential:";
const CODES = { cannotWrite: "s3crypt.cannot_write", exists: "s3crypt.keyring_exists" } as const;

/** All keys of the keyring, each opened: what is wrong with one is told now. Throws `PortailError`. */
export async function openKeyring(args: KeyArgs, runtime: Pick<Runtime, "cwd" | "env">): Promise<DataKeys> {
  const files = new SourceFiles(runtime);
  const password = requiredPassword(args, runtime, files);
  const { keys } = await unlockKeyring(readKeyring(args, files), password);
  return keys;
}

/** The keyring without its keys. Throws `PortailError`. */
export function readKeyring({ "keyring-file": name }: Pick<KeyArgs, "keyring-file">, files: SourceFiles): Keyring {
  const bytes = files.read(name, "keyring");
  const text = bytes.length > MOST_BYTES ? undefined : decodeUtf8(bytes);
  if (text !== undefined) return parseKeyring(text, name);
  throw new PortailError(`${JSON.stringify(name)} is no keyring`, {
    code: "s3crypt.bad_keyring",
    exit: EXIT.badData,
    hint: "a keyring is TOML of at most 1 MiB",
  });
}

/** Refuses (73) a path for a new keyring where there is something, which need not be a keyring. */
export function refuseExisting(args: Pick<KeyArgs, "keyring-file">, { cwd }: Pick<Runtime, "cwd">): void {
  const path = pathOf(args, cwd);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw existing(path, CODES.exists);
}

/** A new keyring, on the disk but not yet in its place. Throws `PortailError` (73). */
export function stageKeyring(
  args: Pick<KeyArgs, "keyring-file">,
  { cwd }: Pick<Runtime, "cwd">,
  text: string,
): StagedFile {
  return stageNewFile(pathOf(args, cwd), text, CODES);
}

export interface Changed {
  readonly text: string;
  /** Runs when the new text is on the disk and the old one still in its place. Where it throws, that is kept. */
  readonly beforeCommit?: () => Promise<void>;
}

/**
 * Replaces the keyring by what `change` makes of it, under a lock, so that no other change is lost. Throws `PortailError`,
 * and then the keyring is as it was.
 */
export async function changeKeyring(
  args: KeyArgs,
  runtime: Pick<Runtime, "cwd" | "env" | "log">,
  change: (keyring: Keyring, open: OpenKeyring) => Changed | Promise<Changed>,
  files = new SourceFiles(runtime),
): Promise<void> {
  const password = requiredPassword(args, runtime, files);
  const path = targetOf(pathOf(args, runtime.cwd), files, args);
  const lock = await lockPath(path, args["keyring-file"], runtime.log);
  try {
    const keyring = readKeyring(args, files);
    const open = await unlockKeyring(keyring, password);
    const { text, beforeCommit } = await change(keyring, open);
    const staged = stageReplacement(path, text, CODES.cannotWrite);
    try {
      await beforeCommit?.();
      refuseChanged(keyring, readKeyring(args, files));
      staged.commit();
    } finally {
      staged.discard();
    }
  } finally {
    lock.release();
  }
}

function pathOf({ "keyring-file": name }: Pick<KeyArgs, "keyring-file">, cwd: string): string {
  if (!name.startsWith(CREDENTIAL)) return resolve(cwd, name);
  throw usage("usage.value", `--keyring-file: ${JSON.stringify(name)} cannot be written`, "name the file itself");
}

/** The file behind links. What cannot be read is told as where it is read. */
function targetOf(path: string, files: SourceFiles, args: KeyArgs): string {
  let target;
  try {
    target = realpathSync(path);
  } catch (error) {
    readKeyring(args, files);
    throw error;
  }
  if (lstatSync(target).isFile()) return target;
  throw new PortailError(`the keyring ${JSON.stringify(args["keyring-file"])} is no regular file`, {
    code: CODES.cannotWrite,
    exit: EXIT.cannotCreate,
  });
}

/** By somebody who knows nothing of the lock: an editor, another program. */
function refuseChanged(before: Keyring, now: Keyring): void {
  if (before.text === now.text) return;
  throw new PortailError(`the keyring ${JSON.stringify(before.name)} was changed by another program meanwhile`, {
    code: "s3crypt.keyring_changed",
    exit: EXIT.retry,
    hint: "nothing was written, and a password that was printed is not in use; try again",
  });
}
