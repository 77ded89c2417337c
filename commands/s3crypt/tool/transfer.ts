/** Bytes from a source through a sealer or an opener to a sink. On any failure nothing is left where something was to appear. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Sink } from "../../../lib/service/whole-file.ts";
import { ObjectError } from "../object/error.ts";

/** What makes the output out of the input: a `Sealer` or an `Opener`. */
export interface Through {
  push(bytes: Uint8Array): Uint8Array;
  finish(): Uint8Array;
}

/** What is opened already. */
export const AS_IT_IS: Through = { push: (bytes) => bytes, finish: () => new Uint8Array(0) };

/** Reads, works and writes at the same time. Throws `PortailError`: 65 for an object that cannot be opened. */
export async function transfer(pieces: AsyncIterable<Uint8Array>, through: Through, sink: Sink): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  const write = async (bytes: Uint8Array) => {
    await writing;
    writing = bytes.length === 0 ? Promise.resolve() : sink.write(bytes);
    writing.catch(() => {});
  };
  try {
    for await (const piece of pieces) await write(through.push(piece));
    await write(through.finish());
    await writing;
  } catch (error) {
    // What was authentic before goes out; then it is over.
    await writing.catch(() => {});
    sink.abandon();
    throw error instanceof ObjectError ? unopened(error) : error;
  }
  sink.commit();
}

const HINTS: Record<ObjectError["trouble"], string> = {
  header: "a newer portail may have written it, or it was damaged",
  truncated: "the file was cut off: fetch it again",
  forged: "the file was damaged or changed: fetch it again",
  unknown_key: "name the keyring that it was encrypted with",
  plaintext: "--plaintext=allow passes it through as it is",
  unproven_end:
    "ds_proxy writes no mark at the end, and an object in parts has its own elsewhere; without --require-final such objects are taken, with a warning",
};

/** The operator's view of it. */
export function unopened({ trouble, message }: ObjectError): PortailError {
  return new PortailError(message, { code: `s3crypt.${trouble}`, exit: EXIT.badData, hint: HINTS[trouble] });
}
