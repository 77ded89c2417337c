/** `portail s3crypt keys add`, also called `add-key`: one more data key, which new objects are encrypted with. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { changeKeyring, keyFlags } from "../keyring-file.ts";
import { addKey } from "../keyring.ts";
import { keyExits } from "./exits.ts";
import { random } from "./new-master.ts";

const define = (words: string, name: string) =>
  defineCommand({
    meta: {
      name,
      description: "Add a data key, which new objects are encrypted with from then on",
      long: `Its id, the largest of the keyring plus one, is printed. Older keys stay, and so do objects under them. A program that
runs knows the new key when it is started anew.`,
      examples: [
        {
          command: `portail s3crypt ${words} --keyring-file keyring.toml --password-file password`,
          description: "Add a key",
        },
      ],
      exits: keyExits("change"),
    },
    args: keyFlags,
    async run({ args, data }) {
      let added = 0n;
      await changeKeyring(args, data, (keyring, { master }) => {
        const { text, id } = addKey(keyring, master, random);
        added = id;
        return { text };
      });
      data.stdout.write(`${added}\n`);
      return EXIT.done;
    },
  });

export default define("keys add", "add");

/** The reference's name for it. */
export const addKeyAlias = define("add-key", "add-key");
