/** botocore, the library below boto3 and awscli, as a signer of S3 requests and a framer of bodies. Verifies nothing. */
import { resolve } from "node:path";
import type { Credentials } from "../../lib/wire/sigv4.ts";
import type { Field } from "../../lib/wire/http-forward.ts";
import { run } from "./program.ts";
import { PYTHON } from "./python-library.ts";

/** What it needs, for `needing`. */
export const BOTOCORE = ["python3", "python3:botocore"];

export interface SignOrder {
  do: "sign";
  method: string;
  endpoint: string;
  /** Not encoded. */
  key: string;
  params: Record<string, string>;
  headers: Record<string, string>;
  /** Base64. */
  body: string;
  /** Seconds of a presigned URL, or null for a signature in headers. */
  expires: number | null;
}

export interface SignatureOrder {
  do: "signature";
  method: string;
  url: string;
  headers: readonly Field[];
  amzDate: string;
  expires: number | null;
}

export interface FrameOrder {
  do: "frame";
  /** Base64. */
  body: string;
  chunk: number;
}

/** Runs all orders in one process; the answers in order. */
export async function botocore<T>(
  { accessKeyId, secretAccessKey, region, sessionToken }: Credentials,
  orders: readonly (SignOrder | SignatureOrder | FrameOrder)[],
): Promise<T[]> {
  const stdin = JSON.stringify({ key: accessKeyId, secret: secretAccessKey, token: sessionToken, region, orders });
  const command = [PYTHON, resolve(import.meta.dir, "botocore-peer.py")];
  const { status, stdout, stderr } = await run(command, { stdin, patience: 120_000 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T[];
}
