/** Where lines come from: standard input, files, and files that grow and are rotated meanwhile. Reads bytes only. */
import { open, stat, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { Stop } from "../../lib/command/stop.ts";

/** Bytes that are read from a file at a time. */
const CHUNK = 256 * 1024;
/** Milliseconds between looks at a file that is followed. */
const POLL = 200;

/** Chunks of a file up to its end, or of standard input for `-`. Rejects with `PortailError` (`audit.unreadable`, 66). */
export async function* chunksOf(runtime: Runtime, file: string): AsyncGenerator<Uint8Array> {
  if (file === "-") {
    yield* runtime.stdin.bytes();
    return;
  }
  const handle = await openFile(runtime, file);
  try {
    yield* upToEnd(handle, file);
  } finally {
    await handle.close();
  }
}

/**
 * As `tail -F`: what a file holds, and what is added to it. A file that takes its place is read from its beginning once the
 * old one has been read to its end, and so is one that was cut. "rotated" stands between two files.
 */
export async function* follow(runtime: Runtime, file: string, stop: Stop): AsyncGenerator<Uint8Array | "rotated"> {
  let handle = await openFile(runtime, file);
  try {
    while (!stop.stopped) {
      yield* upToEnd(handle, file);
      await Bun.sleep(POLL);
      const [ours, there] = [await handle.stat(), await stat(resolve(runtime.cwd, file)).catch(() => undefined)];
      if (there === undefined) continue;
      const cut = ours.size < positions.get(handle)!;
      if (!cut && there.ino === ours.ino && there.dev === ours.dev) continue;
      const next = await openFile(runtime, file).catch(() => undefined);
      if (next === undefined) continue;
      // Who writes may have written a last line between the read and the rename.
      if (!cut) yield* upToEnd(handle, file);
      await handle.close();
      handle = next;
      yield "rotated";
    }
  } finally {
    await handle.close();
  }
}

/** How far a file was read. */
const positions = new WeakMap<FileHandle, number>();

async function* upToEnd(handle: FileHandle, file: string): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      positions.set(handle, (positions.get(handle) ?? 0) + bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function openFile({ cwd }: Runtime, file: string): Promise<FileHandle> {
  try {
    const handle = await open(resolve(cwd, file), "r");
    positions.set(handle, 0);
    return handle;
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): PortailError {
  const code = (error as { code?: string }).code ?? String(error);
  return new PortailError(`cannot read ${JSON.stringify(file)}: ${code}`, {
    code: "audit.unreadable",
    exit: EXIT.noInput,
    hint: "give a file that --audit wrote, or - for standard input",
    cause: error,
  });
}
