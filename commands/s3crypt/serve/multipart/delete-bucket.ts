/** DeleteBucket: manifests that no object needs any more do not keep a bucket that clients see empty. */
import { keyOf } from "../../../../lib/wire/s3-xml.ts";
import type { Exchange } from "../exchange.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { ask, commonFields, documentOf, SIDE } from "./ask.ts";

/** Behind all manifests, whose names are hexadecimal digits, and before whatever else there is. */
const BEHIND = `${SIDE}g`;
const AT_A_TIME = 16;

export async function deleteBucket(x: Exchange): Promise<void> {
  const answer = await x.ask("DELETE", x.fieldsWithout());
  if (answer.statusCode !== 409 || !(await isSeenEmpty(x))) {
    await x.passOn(answer);
    return;
  }
  answer.resume();
  const gone = new Set<string>();
  for (;;) {
    // Listings may go on showing what is gone.
    const names = (await sides(x)).filter((name) => !gone.has(name));
    if (names.length === 0) break;
    await remove(x, names);
    for (const name of names) gone.add(name);
  }
  await x.passOn(await x.ask("DELETE", x.fieldsWithout()));
}

/** Whether there is nothing before the proxy's own objects, and nothing behind them: a listing begins behind its `start-after`. */
async function isSeenEmpty(x: Exchange): Promise<boolean> {
  const [first, behind] = [await list(x, "max-keys=1"), await list(x, `max-keys=1&start-after=${BEHIND}`)];
  return first.every((key) => key.startsWith(SIDE)) && behind.length === 0;
}

function sides(x: Exchange): Promise<string[]> {
  return list(x, `prefix=${encodeURIComponent(SIDE)}`);
}

/** Keys of one page. */
async function list(x: Exchange, query: string): Promise<string[]> {
  const path = pathOf(x);
  const request = { method: "GET", path, query: `list-type=2&${query}`, fields: commonFields(x) };
  const answer = await ask(x, request);
  if (!isDone(answer)) {
    answer.resume();
    throw new Trouble("upstream_broken", `the storage does not list the bucket: status ${answer.statusCode}`);
  }
  const document = await documentOf(answer);
  return document.entries.flatMap((entry) => keyOf(document, entry) ?? []);
}

async function remove(x: Exchange, names: readonly string[]): Promise<void> {
  const left = names.values();
  const work = async () => {
    for (const name of left) {
      const path = `${pathOf(x)}/${name}`;
      const answer = await ask(x, { method: "DELETE", path, query: "", fields: commonFields(x) });
      answer.resume();
      if (!isDone(answer) && answer.statusCode !== 404)
        throw new Trouble("upstream_broken", `the storage does not delete a manifest: status ${answer.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

function pathOf({ asked }: Exchange): string {
  return asked.path.replace(/\/$/, "");
}
