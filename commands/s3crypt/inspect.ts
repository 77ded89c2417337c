/** `portail s3crypt inspect`: what can be told of an object, without its keys or with them. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseEngine } from "./engine.ts";
import { openKeyring } from "./keyring-file.ts";
import { ds2PlainLength } from "./object/ds2.ts";
import { ObjectError } from "./object/error.ts";
import { decodeHeader, LONGEST_HEADER, type ObjectHeader } from "./object/header.ts";
import { isPart } from "./object/parts.ts";
import { ObjectOpener } from "./object/open.ts";
import { v3PlainLength } from "./object/v3.ts";
import { sealing } from "./tool/flags.ts";
import { Progress } from "./tool/progress.ts";
import type { Source } from "./tool/source.ts";
import { openInput, refuseClosed } from "./tool/streams.ts";
import { unopened } from "./tool/transfer.ts";

/** What is printed; absent is what cannot be told. */
interface Told {
  format: "ds2" | "v3" | "plaintext" | "empty";
  version?: number;
  key?: string;
  chunk?: number;
  /** Of an object in parts. */
  parts?: number;
  size?: number;
  plain?: number;
  /** `proven`: it is shown that the object ends where it was ended. */
  end?: "proven" | "unproven";
}

const { required: _, ...keyring } = sealing["keyring-file"];
const optional = { ...sealing, "keyring-file": keyring } as const;

export default defineCommand({
  meta: {
    name: "inspect",
    description: "Tell the format, the key and the sizes of an object",
    long: `Without a keyring this is what the object says of itself, which nothing vouches for. With one the object is read to its
end, and what is told of it is so.`,
    examples: [
      { command: "portail s3crypt inspect photos.tar.enc", description: "What a file says of itself" },
      {
        command: "portail s3crypt inspect --json --keyring-file k.toml --password-file pw photos.tar.enc",
        description: "Whether it shows where it ends, for a program",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "told" },
      { status: EXIT.usage, meaning: "a flag is wrong" },
      { status: EXIT.badData, meaning: "the object is not as it was written, or the keyring does not open" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.io, meaning: "nobody reads standard output, or it cannot be written" },
    ],
  },
  args: {
    object: { type: "positional", valueHint: "OBJECT", description: "File to look at; - or none is standard input" },
    json: { type: "boolean", description: "Write one line of JSON" },
    ...optional,
  },
  async run({ args, data }) {
    const engine = parseEngine(args.engine);
    refuseClosed(data);
    const { "keyring-file": file } = args;
    // A keyring that the environment names for other commands is none to be opened here without a password.
    const { DS_KEYRING: named, DS_PASSWORD: password } = data.env;
    const isLocked = file === named && args["password-file"] === undefined && !password;
    const keys =
      file === undefined || isLocked ? undefined : await openKeyring({ ...args, "keyring-file": file }, data);
    const source = openInput(data, args.object);
    const progress = args.progress && keys ? new Progress(data.stderr, () => source) : undefined;
    try {
      const opener = keys && new ObjectOpener(engine, keys, { plaintext: true, finalFrom: undefined });
      const told = await tell(source, opener);
      data.stdout.write(args.json ? `${JSON.stringify(told)}\n` : text(told));
    } catch (error) {
      throw error instanceof ObjectError ? unopened(error) : error;
    } finally {
      progress?.end();
      source.close();
    }
    return EXIT.done;
  },
});

/** Reads as far as it must; with an opener to the end. Throws `ObjectError`. */
async function tell(source: Source, opener: ObjectOpener | undefined): Promise<Told> {
  let start: Uint8Array = new Uint8Array(0);
  let plain = 0;
  for await (const piece of source.pieces()) {
    if (start.length < LONGEST_HEADER) start = Buffer.concat([start, piece.subarray(0, LONGEST_HEADER)]);
    if (opener !== undefined) plain += opener.push(piece).length;
    else if (start.length >= LONGEST_HEADER) break;
  }
  const header = decodeHeader(start, true)!;
  const size = source.size ?? (opener && source.taken);
  if (opener === undefined)
    return { ...identity(header, start.length), ...(size !== undefined && sizes(header, size)) };
  plain += opener.finish().length;
  const end = opener.endProven ? "proven" : "unproven";
  const { parts } = opener;
  return {
    ...identity(header, start.length),
    ...(parts !== undefined && { parts }),
    ...(size !== undefined && { size }),
    plain,
    end,
  };
}

function identity(header: ObjectHeader | "plaintext", length: number): Told {
  if (header === "plaintext") return { format: length === 0 ? "empty" : "plaintext" };
  const { format, version, keyId, chunkSize } = header;
  return { format, version, key: String(keyId), chunk: chunkSize };
}

function sizes(header: ObjectHeader | "plaintext", size: number): Pick<Told, "size" | "plain"> {
  // Only who reads its parts knows what is in them.
  if (isPart(header)) return { size };
  const plain =
    header === "plaintext" ? size : header.format === "v3" ? v3PlainLength(size) : ds2PlainLength(size, header);
  if (plain === undefined) throw new ObjectError("truncated", `no object of its kind has ${size} bytes`);
  return { size, plain };
}

const LABELS: Record<keyof Told, string> = {
  format: "format",
  version: "version",
  key: "key id",
  chunk: "bytes of a chunk",
  parts: "parts",
  size: "bytes",
  plain: "bytes of plaintext",
  end: "end",
};

function text(told: Told): string {
  const width = Math.max(...Object.keys(told).map((name) => LABELS[name as keyof Told].length));
  return Object.entries(told)
    .map(([name, value]) => `${LABELS[name as keyof Told].padEnd(width)}  ${value}\n`)
    .join("");
}
