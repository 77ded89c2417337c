/** The content of answers of the storage, in memory: up to a limit, or as a document as a whole. */
import type { IncomingMessage } from "node:http";
import { iterate } from "./incoming.ts";
import { Trouble } from "./trouble.ts";

/** The first `most` bytes, or all where it has no more. Throws `Trouble` where it breaks off. */
export async function gather(answer: IncomingMessage, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of iterate(answer)) {
      // A copy: the memory is used again for the next one.
      chunks.push(new Uint8Array(chunk));
      size += chunk.length;
      if (size >= most) return Buffer.concat(chunks).subarray(0, most);
    }
  } catch {
    throw broken();
  }
  if (!answer.complete) throw broken();
  return Buffer.concat(chunks);
}

/** All of it. Throws `Trouble` where it has more than `most` bytes, or breaks off. */
export async function contentOf(answer: IncomingMessage, most: number): Promise<Uint8Array> {
  const bytes = await gather(answer, most + 1);
  if (bytes.length <= most) return bytes;
  answer.destroy();
  throw new Trouble("upstream_broken", "the answer of the storage is too long");
}

function broken(): Trouble {
  return new Trouble("upstream_broken", "the answer of the storage broke off");
}
