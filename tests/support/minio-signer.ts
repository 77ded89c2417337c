/** minio-go, which signs uploads in frames (tests/support/miniosigner). Asserts nothing. */
import type { Credentials } from "../../lib/wire/sigv4.ts";
import { goProgram } from "./go-program.ts";
import { run } from "./program.ts";

export interface UploadOrder {
  url: string;
  /** Base64. */
  body: string;
  trailer: Record<string, string>;
  /** Chunks with signatures. */
  signed: boolean;
}

export interface Upload {
  headers: Record<string, string[]>;
  /** In frames; base64. */
  body: string;
}

/** The uploads that it would send, in order. */
export async function minioUploads(
  { accessKeyId, secretAccessKey, region, sessionToken }: Credentials,
  orders: readonly UploadOrder[],
): Promise<Upload[]> {
  const common = { key: accessKeyId, secret: secretAccessKey, token: sessionToken ?? "", region };
  const stdin = orders.map((order) => `${JSON.stringify({ ...order, ...common })}\n`).join("");
  const { status, stdout, stderr } = await run([await goProgram("miniosigner")], { stdin });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Upload);
}
