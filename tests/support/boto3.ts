/** boto3, one call after the other in one process. Asserts nothing. */
import { resolve } from "node:path";
import { start, type Program } from "./program.ts";
import { PYTHON } from "./python-library.ts";
import type { S3Place } from "./s3-clients/client.ts";
import type { Scene } from "./scene.ts";

/** What it needs, for `scenario` and `needing`. */
export const BOTO3_NEEDS = ["python3", "python3:boto3"];

export type Boto3Answer = Record<string, unknown> & { status: number; error?: string };

export class Boto3 {
  readonly #program: Program;
  #answers = 0;

  constructor(scene: Scene, { endpoint, ca, access, secret, region }: Omit<S3Place, "bucket">) {
    const settings = JSON.stringify({ endpoint, ca: ca ?? true, access, secret, region });
    this.#program = start(scene, [PYTHON, resolve(import.meta.dir, "boto3-calls.py"), settings], { feed: true });
  }

  /** `Body` is bytes; that of an answer is base64. */
  async call(operation: string, params: Record<string, unknown> = {}): Promise<Boto3Answer> {
    const { Body: body } = params;
    const text = body instanceof Uint8Array ? { ...params, Body: Buffer.from(body).toString("base64") } : params;
    await this.#program.write(`${JSON.stringify([operation, text])}\n`);
    const line = new RegExp(`^(?:.*\\n){${this.#answers++}}(.+)\\n`);
    const [, answer] = await this.#program.output("stdout", line);
    return JSON.parse(answer!) as Boto3Answer;
  }
}
