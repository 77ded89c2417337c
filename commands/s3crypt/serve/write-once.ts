/** `WriteOnce`: a registry of rights to upload that were used, under the names that ds_proxy has for them. */
import { createHash } from "node:crypto";
import { canonicalPath } from "../../../lib/wire/sigv4-canonical.ts";

export interface WriteOnce {
  /** Where it is kept, for people. */
  readonly place: string;
  /**
   * Takes the right named `name` until `until`, milliseconds since 1970 or Infinity. False where it was taken. Rejects
   * with `RegistryError` where the registry does not answer.
   */
  take(name: string, until: number): Promise<boolean>;
  /** Gives back what was taken until `until`: the upload came to nothing. Rejects like `take`. */
  give(name: string, until: number): Promise<void>;
  close(): void;
}

/** The registry does not answer; whether it did what it was asked for is not known. */
export class RegistryError extends Error {}

/**
 * The name of the right to write an object, or the part of it that is called `part`; `rest` is the raw path behind
 * `/upstream/`. All spellings of one path have one
 * name: what is percent-encoded is decoded once, and all but unreserved characters (RFC 3986 section 2.3) and slashes is
 * encoded. Dot segments and double slashes stay, as Swift and S3 keep them. A path that is written like that in the first
 * place has the name that ds_proxy gives it.
 */
export function rightName(rest: string, part = ""): string {
  // Each character is a byte in what the runtime gives us; whatever is not is taken as UTF-8.
  const bytes = Buffer.from(rest, isBytes(rest) ? "latin1" : "utf8").toString("latin1");
  const path = canonicalPath(`/upstream/${bytes}`);
  // No path has a zero byte.
  const hash = createHash("sha256").update(path, "latin1");
  return `locks:${(part === "" ? hash : hash.update(`\0${part}`)).digest("hex")}`;
}

function isBytes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return false;
  return true;
}

/** Takes and gives back a right that nobody else asks for: whether the registry can be read and written. Rejects like `take`. */
export async function probe(registry: WriteOnce): Promise<void> {
  const name = rightName(`probe/${crypto.randomUUID()}`);
  const until = Date.now() + 10_000;
  await registry.take(name, until);
  await registry.give(name, until);
}
