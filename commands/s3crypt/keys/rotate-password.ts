/** `portail s3crypt keys rotate-password`: the same data keys under a new password. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { SourceFiles } from "../../../lib/identity/source-files.ts";
import { changeKeyring, keyFlags } from "../keyring-file.ts";
import { parseKeyring, rewrapKeyring, unwrapKeys, type DataKeys } from "../keyring.ts";
import { handOut, newPasswordFlags, refuseNowhere } from "../password.ts";
import { keyExits } from "./exits.ts";
import { newMaster, random } from "./new-master.ts";

const define = (words: string) =>
  defineCommand({
    meta: {
      name: "rotate-password",
      description: "Put the keys of a keyring under a new password",
      long: `A random password is made and printed, without a newline unless to a terminal; --new-password-file takes one of your own
instead. Data keys and their ids stay, so every object stays readable; a copy of the old keyring still opens under the old
password.

The new password is printed, and taken by whoever reads it, before the keyring is replaced: when it cannot be printed, the
keyring is as it was.`,
      examples: [
        {
          command: `portail s3crypt ${words} --keyring-file keyring.toml --password-file password`,
          description: "Print a new password",
        },
        {
          command: `portail s3crypt ${words} --keyring-file keyring.toml --password-file old --new-password-file new`,
          description: "Take a password of your own",
        },
      ],
      exits: keyExits("rotate"),
    },
    args: { ...keyFlags, ...newPasswordFlags },
    async run({ args, data }) {
      const files = new SourceFiles(data);
      const { master, password } = await newMaster(args, files);
      if (password !== undefined) refuseNowhere(data.stdout);
      await changeKeyring(
        args,
        data,
        (keyring, { keys }) => {
          const text = rewrapKeyring(keyring, keys, master, random);
          const found = unwrapKeys(parseKeyring(text, keyring.name), master.key);
          if (!sameKeys(keys, found)) throw new Error("the keyring does not open under its new password");
          return { text, ...(password !== undefined && { beforeCommit: () => handOut(data.stdout, password) }) };
        },
        files,
      );
      data.log.info(`${JSON.stringify(args["keyring-file"])} is under its new password`);
      return EXIT.done;
    },
  });

export default define("keys rotate-password");

/** The reference's name for it. */
export const rotatePassword = define("rotate-password");

/** Whether every one of `keys` was found again. */
const sameKeys = ({ ids, get }: DataKeys, found: ReadonlyMap<bigint, Uint8Array>): boolean =>
  ids.every((id) => Buffer.from(get(id)!).equals(found.get(id) ?? Buffer.alloc(0)));
