/** Much data through `encrypt` and `decrypt`, one into the other, with their memory as the kernel counts it. */
import { createHash, randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Portail } from "./portail.ts";
import { environment } from "./program.ts";

const PIECE = 1024 * 1024;

export class PortailPipe {
  readonly #portail: Portail;
  readonly #options: { env: Record<string, string>; cwd: string };

  constructor(portail: Portail, options: { env: Record<string, string>; cwd: string }) {
    this.#portail = portail;
    this.#options = options;
  }

  /** The digests of what went in and what came out, and the most memory in KiB of each program. Rejects where one fails. */
  async send(size: number, format: string): Promise<{ digests: { in: string; out: string }; memory: number[] }> {
    const env = environment(this.#options.env);
    const { cwd } = this.#options;
    const { command } = this.#portail;
    const encrypt = Bun.spawn([...command, "s3crypt", "encrypt", "--format", format], {
      env,
      cwd,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const decrypt = Bun.spawn([...command, "s3crypt", "decrypt"], {
      env,
      cwd,
      stdin: encrypt.stdout,
      stdout: "pipe",
      stderr: "inherit",
    });
    const memory = [encrypt, decrypt].map(() => 0);
    const look = setInterval(() => {
      for (const [i, { pid }] of [encrypt, decrypt].entries()) memory[i] = peakOf(pid) ?? memory[i]!;
    }, 10);
    const [sent, received] = await Promise.all([feed(encrypt.stdin, size), digestOf(decrypt.stdout)]);
    const ended = await Promise.all([encrypt.exited, decrypt.exited]);
    clearInterval(look);
    if (ended.some((status) => status !== 0)) throw new Error(`they ended with ${ended.join(" and ")}`);
    return { digests: { in: sent, out: received }, memory };
  }
}

async function feed(stdin: Bun.FileSink, size: number): Promise<string> {
  const piece = randomFillSync(new Uint8Array(PIECE));
  const hash = createHash("sha256");
  for (let left = size; left > 0; left -= PIECE) {
    const bytes = piece.subarray(0, Math.min(left, PIECE));
    bytes[0] = left % 251;
    hash.update(bytes);
    stdin.write(bytes);
    await stdin.flush();
  }
  await stdin.end();
  return hash.digest("hex");
}

async function digestOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

/** The most memory so far, in KiB. What wait4(2) says would count the tests' own, from before the program was there. */
function peakOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kib === undefined ? undefined : Number(kib);
  } catch {
    // It has ended.
    return undefined;
  }
}
