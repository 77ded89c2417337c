/** `portail s3crypt decrypt`: an encrypted object becomes what it was made of. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseEngine } from "./engine.ts";
import { openKeyring } from "./keyring-file.ts";
import { ObjectOpener } from "./object/open.ts";
import { parseDemands, warnOf } from "./tool/demands.ts";
import { writingExits } from "./tool/exits.ts";
import { demanding, ends, sealing } from "./tool/flags.ts";
import { Progress } from "./tool/progress.ts";
import { endOnSignals, openInput, openOutput } from "./tool/streams.ts";
import { openRange } from "./tool/range.ts";
import { AS_IT_IS, transfer } from "./tool/transfer.ts";

export default defineCommand({
  meta: {
    name: "decrypt",
    description: "Decrypt a file or a stream, and show nothing that is not authentic",
    long: `Format and key are found in the object. A file appears when all of it was shown to be as it was written, or not at
all. To standard output goes what is authentic, piece by piece; where something is wrong it ends there, with status 65.

Objects that ds_proxy wrote do not show where they end: they are taken with a warning, or refused by --require-final.`,
    examples: [
      {
        command: "portail s3crypt decrypt --keyring-file k.toml --password-file pw < photos.tar.enc | tar x",
        description: "Decrypt a stream",
      },
      {
        command: "portail s3crypt decrypt --range 0-511 photos.tar.enc",
        description: "The first 512 bytes, with DS_KEYRING and DS_PASSWORD",
      },
      {
        command: "portail s3crypt decrypt --require-final --from 3 dump.sql.enc dump.sql",
        description: "A file; by key 3 or newer it must show where it ends",
      },
    ],
    exits: writingExits(
      "all of it is written",
      "the object is not as it was written, or is refused, or has nothing of the range; or the keyring does not open",
    ),
  },
  args: {
    ...ends,
    range: {
      type: "string",
      valueHint: "RANGE",
      description: "Only these bytes of it, read without the rest: A-B, A- or -N; the first byte is 0",
    },
    ...demanding,
    ...sealing,
  },
  async run({ args, data }) {
    const demands = parseDemands(args);
    const engine = parseEngine(args.engine);
    const keys = await openKeyring(args, data);
    const source = openInput(data, args.input);
    const part = args.range === undefined ? undefined : await openRange(engine, keys, demands, source, args.range);
    const sink = openOutput(data, args.output, source, true);
    endOnSignals(data);
    const progress = args.progress ? new Progress(data.stderr, () => source) : undefined;
    const opener = new ObjectOpener(engine, keys, demands);
    try {
      await (part === undefined ? transfer(source.pieces(), opener, sink) : transfer(part.pieces, AS_IT_IS, sink));
    } finally {
      progress?.end();
    }
    warnOf(part ?? opener, demands, data.log, source.name);
    return EXIT.done;
  },
});
