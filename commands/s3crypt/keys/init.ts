/** `portail s3crypt keys init`, also called `init-keyring`: a new keyring with one key. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { SourceFiles } from "../../../lib/identity/source-files.ts";
import { keyringFlags, refuseExisting, stageKeyring } from "../keyring-file.ts";
import { makeKeyring } from "../keyring.ts";
import { handOut, newPasswordFlags, refuseNowhere } from "../password.ts";
import { keyExits } from "./exits.ts";
import { newMaster, random } from "./new-master.ts";

const define = (words: string, name: string) =>
  defineCommand({
    meta: {
      name,
      description: "Make a new keyring with one data key, of id 0",
      long: `A random password is made and printed, without a newline unless to a terminal; it is nowhere else, and without it
the keyring is lost, and all that is encrypted under it. --new-password-file takes a password of your own instead.

A file that is there already is never overwritten. The password is printed before the keyring appears: when it cannot be
printed, there is no keyring.`,
      examples: [
        {
          command: `portail s3crypt ${words} --keyring-file keyring.toml`,
          description: "Make a keyring and print its password",
        },
        {
          command: `portail s3crypt ${words} --keyring-file keyring.toml --new-password-file password`,
          description: "Make a keyring under a password of your own",
        },
      ],
      exits: keyExits("new"),
    },
    args: { ...keyringFlags, ...newPasswordFlags },
    async run({ args, data }) {
      refuseExisting(args, data);
      const { master, password } = await newMaster(args, new SourceFiles(data));
      if (password !== undefined) refuseNowhere(data.stdout);
      const staged = stageKeyring(args, data, makeKeyring(master, random));
      try {
        if (password !== undefined) await handOut(data.stdout, password);
        staged.commit();
      } finally {
        staged.discard();
      }
      data.log.info(`made the keyring ${JSON.stringify(args["keyring-file"])} with key 0`);
      return EXIT.done;
    },
  });

export default define("keys init", "init");

/** The reference's name for it. */
export const initKeyring = define("init-keyring", "init-keyring");
