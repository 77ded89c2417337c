/** The manifest of an object in parts goes with a copy of it into another bucket: ahead of the copy, which counts only with it. */
import { LONGEST_MANIFEST } from "../../object/manifest.ts";
import type { Exchange } from "../exchange.ts";
import type { Looked } from "../s3-look.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { contentOf } from "../answers.ts";
import { ask, commonFields, manifestPath, readingFields, type Place } from "./ask.ts";
import { parseMark } from "./mark.ts";

/** Throws `Trouble` where it cannot be carried. A source that has none is copied as it is. */
export async function carryManifest(x: Exchange, source: Place, { kept }: Looked): Promise<void> {
  const field = kept.find(([name]) => name.toLowerCase() === x.gateway.tools.dialect.factsField);
  const mark = parseMark(field?.[1]);
  if (mark === undefined) return;
  const [from, to] = [source.path, x.asked.path].map((path) => manifestPath(x, path, mark.objectId)) as [
    string,
    string,
  ];
  if (from === to) return;
  const found = await ask(x, { method: "GET", path: from, query: "", fields: readingFields(x) });
  if (found.statusCode === 404) {
    found.resume();
    return;
  }
  if (found.statusCode !== 200) throw new Trouble("upstream_broken", "the storage does not give the manifest");
  const bytes = await contentOf(found, LONGEST_MANIFEST);
  const fields = [...commonFields(x), ["Content-Type", "application/octet-stream"] as const];
  const put = await ask(x, { method: "PUT", path: to, query: "", fields }, bytes);
  put.resume();
  if (!isDone(put)) throw new Trouble("upstream_broken", "the storage does not take the manifest");
}
