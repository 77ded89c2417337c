/** `portail s3crypt verify`: reads whole objects and writes nothing but whether they are as they were written. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseEngine } from "./engine.ts";
import { openKeyring } from "./keyring-file.ts";
import { ObjectError } from "./object/error.ts";
import { ObjectOpener } from "./object/open.ts";
import { parseDemands, warnOf } from "./tool/demands.ts";
import { readingExits } from "./tool/exits.ts";
import { demanding, sealing } from "./tool/flags.ts";
import { Progress } from "./tool/progress.ts";
import type { Source } from "./tool/source.ts";
import { openInput, refuseClosed } from "./tool/streams.ts";

export default defineCommand({
  meta: {
    name: "verify",
    description: "Read objects to their end and tell whether they are as they were written",
    long: `Nothing is written but one line for each object that is not, or cannot be read. All are looked at, whatever is wrong with
one.`,
    examples: [
      {
        command: "portail s3crypt verify --keyring-file k.toml --password-file pw photos.tar.enc",
        description: "Look at a backup",
      },
      {
        command: "portail s3crypt verify --require-final *.enc",
        description: "Objects that must show where they end, with DS_KEYRING and DS_PASSWORD",
      },
    ],
    exits: [
      ...readingExits(
        "all are as they were written",
        "one is not, or is refused; or the keyring does not open",
        "a file cannot be read, and those that can are as they were written",
      ),
      { status: EXIT.io, meaning: "the same, and the file could be opened; or nobody reads standard output" },
    ],
  },
  args: {
    objects: {
      type: "positional",
      multiple: true,
      valueHint: "OBJECT",
      description: "Files to read; - or none is standard input",
    },
    ...demanding,
    ...sealing,
  },
  async run({ args, data }) {
    const demands = parseDemands(args);
    const engine = parseEngine(args.engine);
    const keys = await openKeyring(args, data);
    const names = args.objects.length === 0 ? ["-"] : args.objects;
    let bad = 0;
    let unread: PortailError | undefined;
    const tell = async (line: string) => {
      refuseClosed(data);
      data.stdout.write(`${line}\n`);
      // Where nobody reads it there is no use in going on.
      await data.stdout.flush();
    };
    for (const name of names) {
      let line: string | undefined;
      try {
        const source = openInput(data, name);
        const opener = new ObjectOpener(engine, keys, demands);
        const progress = args.progress ? new Progress(data.stderr, () => source) : undefined;
        const trouble = await troubleOf(source, opener).finally(() => progress?.end());
        if (trouble === undefined) warnOf(opener, demands, data.log, source.name);
        else {
          bad++;
          line = `${source.name}: ${trouble.message} [s3crypt.${trouble.trouble}]`;
        }
      } catch (error) {
        if (!(error instanceof PortailError)) throw error;
        unread ??= error;
        line = `${name}: ${error.message} [${error.code}]`;
      }
      if (line !== undefined) await tell(line);
    }
    if (bad === 0 && unread !== undefined) throw unread;
    if (bad === 0) return EXIT.done;
    throw new PortailError(`${bad} of ${names.length} objects are not as they were written`, {
      code: "s3crypt.not_verified",
      exit: EXIT.badData,
    });
  },
});

async function troubleOf(source: Source, opener: ObjectOpener): Promise<ObjectError | undefined> {
  try {
    for await (const piece of source.pieces()) opener.push(piece);
    opener.finish();
    return undefined;
  } catch (error) {
    if (error instanceof ObjectError) return error;
    throw error;
  } finally {
    source.close();
  }
}
