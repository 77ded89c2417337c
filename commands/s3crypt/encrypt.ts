/** `portail s3crypt encrypt`: a file or a stream becomes an encrypted object. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { parseEngine } from "./engine.ts";
import { openKeyring } from "./keyring-file.ts";
import { makeSealer } from "./seal.ts";
import { writingExits } from "./tool/exits.ts";
import { ends, sealing } from "./tool/flags.ts";
import { Progress } from "./tool/progress.ts";
import { endOnSignals, openInput, openOutput } from "./tool/streams.ts";
import { transfer } from "./tool/transfer.ts";

export default defineCommand({
  meta: {
    name: "encrypt",
    description: "Encrypt a file or a stream under the newest key of a keyring",
    long: `The format ds2 is that of ds_proxy, which reads what is written here; with v3 every part of the object can be read
by itself, and an object that was cut off, or changed in any way, never opens.

A file appears when it is whole, or not at all. Memory does not grow with the size.`,
    examples: [
      {
        command: "tar c photos | portail s3crypt encrypt --keyring-file k.toml --password-file pw > photos.tar.enc",
        description: "Encrypt a stream",
      },
      {
        command: "portail s3crypt encrypt --format v3 dump.sql dump.sql.enc",
        description: "A file, with the keyring of DS_KEYRING and the password of DS_PASSWORD",
      },
    ],
    exits: writingExits("the object is written, whole", "the keyring does not open"),
  },
  args: {
    ...ends,
    format: {
      type: "string",
      valueHint: "ds2|v3",
      default: "ds2",
      description: "Write ds2, which ds_proxy reads, or v3, which opens anywhere",
    },
    ...sealing,
  },
  async run({ args, data }) {
    const format = parseChoice("--format", args.format, ["ds2", "v3"]);
    const engine = parseEngine(args.engine);
    const keys = await openKeyring(args, data);
    const source = openInput(data, args.input);
    const sink = openOutput(data, args.output, source, false);
    endOnSignals(data);
    const progress = args.progress ? new Progress(data.stderr, () => source) : undefined;
    try {
      await transfer(source.pieces(), makeSealer(format, engine, keys.newest), sink);
    } finally {
      progress?.end();
    }
    return EXIT.done;
  },
});
