/** `/local/encrypt/NAME`: a file is encrypted into a folder, and handed out once, encrypted. For programs on this machine. */
import { createReadStream, fstatSync, openSync, statSync, unlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { openWhole, type Sink } from "../../../lib/service/whole-file.ts";
import { makeSealer } from "../seal.ts";
import type { Exchange } from "./exchange.ts";
import { fileNameOf } from "./route.ts";
import { Trouble } from "./trouble.ts";

/** PUT: the file appears when it is whole, or not at all. */
export async function keep(x: Exchange, segment: string): Promise<void> {
  const path = pathOf(x, segment);
  const { settings, tools, keys } = x.gateway;
  const sealer = makeSealer(settings.format, tools.engine, keys.newest);
  x.told.format = settings.format;
  x.told.keyId = keys.newest.id;
  const sink: Sink = openWhole(path);
  try {
    for await (const piece of x.content) await sink.write(sealer.push(piece));
    await sink.write(sealer.finish());
  } catch (error) {
    sink.abandon();
    throw error;
  }
  sink.commit();
  x.reply(200, [["Content-Type", "application/json"]], "{}");
}

/** GET: what was handed out whole is removed, unless another has taken its name meanwhile. */
export async function hand(x: Exchange, segment: string): Promise<void> {
  const path = pathOf(x, segment);
  const fd = openExisting(path);
  const before = fstatSync(fd);
  const file = createReadStream("", { fd });
  try {
    if (!before.isFile()) throw new Trouble("not_found", "there is no such file");
    x.begin(200, [
      ["Content-Type", "application/octet-stream"],
      ["Content-Length", String(before.size)],
    ]);
    let last: Uint8Array | undefined;
    for await (const chunk of file) {
      if (last !== undefined) await x.write(last);
      last = chunk as Uint8Array;
    }
    // Whoever has all of it finds it gone.
    remove(path, before);
    if (last !== undefined) await x.write(last);
  } finally {
    file.destroy();
  }
  x.end();
}

function remove(path: string, { ino, dev }: Stats): void {
  const now = statSync(path, { throwIfNoEntry: false });
  if (now?.ino === ino && now.dev === dev) unlinkSync(path);
}

function pathOf({ gateway }: Exchange, segment: string): string {
  const name = fileNameOf(segment);
  if (name === undefined)
    throw new Trouble("bad_request", "the name of a file stands behind /local/encrypt/, and no folder");
  return join(gateway.settings.localDirectory!, name);
}

function openExisting(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") throw new Trouble("not_found", "there is no such file");
    throw new Trouble("io", "the file cannot be read");
  }
}
