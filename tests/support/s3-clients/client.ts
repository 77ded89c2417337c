/** What all clients of an object storage have in common, so that one test can drive each of them. Drives none. */
import { environment } from "../program.ts";

/** Where a client is sent, and as whom. */
export interface S3Place {
  /** `http://127.0.0.1:PORT`; buckets are the first part of the path. */
  endpoint: string;
  access: string;
  secret: string;
  region: string;
  bucket: string;
  /** A file of the authority's certificate in PEM, for https. */
  ca?: string;
  /**
   * For a storage that refuses aws-chunked: clients are told to add no checksums of their own. A proxy in front of it must
   * work without.
   */
  withoutChecksums?: boolean;
}

export interface Listed {
  key: string;
  size: number;
}

/**
 * Operations on objects of one bucket; each rejects with what the program said, and what a program cannot do is missing.
 * Files are paths. Sizes of parts are bytes, 5 MiB or more, in whole MiB.
 */
export interface S3Client {
  name: string;
  put(file: string, key: string): Promise<void>;
  /** As a stream, whose length the client does not know beforehand, or at least not its checksum. */
  putStream?(file: string, key: string): Promise<void>;
  /** In parts, some at a time. */
  multipart?(file: string, key: string, partSize: number): Promise<void>;
  get(key: string, file: string): Promise<void>;
  /** Bytes `first` to `last`, both included. */
  getRange?(key: string, first: number, last: number): Promise<Uint8Array>;
  /** By ranges, some at a time. */
  parallelGet?(key: string, file: string, partSize: number): Promise<void>;
  list?(prefix: string): Promise<Listed[]>;
  /** Its size, and the ETag without quotes where it is shown. */
  head(key: string): Promise<{ size: number; etag?: string }>;
  /** By the storage itself. */
  copy?(from: string, to: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** A URL that lets whoever has it do that for so many seconds. */
  presign?(method: "GET" | "PUT", key: string, seconds: number): Promise<string>;
}

/** The optional ones. */
export const OPTIONAL = ["putStream", "multipart", "getRange", "parallelGet", "list", "copy", "presign"] as const;

/** Ranges of a file of `size` bytes, `first` to `last`, both included. */
export function rangesOf(size: number, partSize: number): [first: number, last: number][] {
  const count = Math.ceil(size / partSize);
  return Array.from({ length: count }, (_, i) => [i * partSize, Math.min(size, (i + 1) * partSize) - 1]);
}

/** Milliseconds for one program, which may move gigabytes. */
const PATIENCE = 300_000;

/** Runs a program that must succeed; what it wrote to stdout. `stdin` is a file. */
export async function succeed(
  command: readonly string[],
  { env = {}, stdin }: { env?: Record<string, string>; stdin?: string } = {},
): Promise<Buffer> {
  const child = Bun.spawn([...command], {
    env: environment(env),
    stdin: stdin === undefined ? "ignore" : Bun.file(stdin),
    stdout: "pipe",
    stderr: "pipe",
    timeout: PATIENCE,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.bytes(), child.stderr.text(), child.exited]);
  const text = Buffer.from(stdout);
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")} (${child.exitCode}): ${stderr}${text.toString()}`);
  return text;
}
