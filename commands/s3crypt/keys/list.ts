/** `portail s3crypt keys list`: the ids of a keyring's keys, never the keys. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { SourceFiles } from "../../../lib/identity/source-files.ts";
import { keyFlags, readKeyring } from "../keyring-file.ts";
import { unlockKeyring } from "../keyring.ts";
import { givenPassword } from "../password.ts";
import { keyExits } from "./exits.ts";

export default defineCommand({
  meta: {
    name: "list",
    description: "List the ids of a keyring's data keys, and which of them new objects get",
    long: `Needs no password. Where one is given, every key is opened, so that a wrong password or a damaged key is told.

With --json, each key is a line {"id":"0","newest":false}; ids are strings, since they may be larger than JSON's readers can
count.`,
    examples: [
      { command: "portail s3crypt keys list --keyring-file keyring.toml", description: "List the keys" },
      {
        command: "portail s3crypt keys list --keyring-file keyring.toml --password-file password --json",
        description: "Check that the password opens every key",
      },
    ],
    exits: keyExits("read"),
  },
  args: { ...keyFlags, json: { type: "boolean", description: "Write a line of JSON for each key" } },
  async run({ args, data }) {
    const files = new SourceFiles(data);
    const password = givenPassword(args, data, files);
    const keyring = readKeyring(args, files);
    if (password !== undefined) await unlockKeyring(keyring, password);
    const newest = keyring.ids.at(-1);
    for (const id of keyring.ids) {
      const text = args.json
        ? JSON.stringify({ id: String(id), newest: id === newest })
        : `${id}${id === newest ? "  newest" : ""}`;
      data.stdout.write(`${text}\n`);
    }
    return EXIT.done;
  },
});
