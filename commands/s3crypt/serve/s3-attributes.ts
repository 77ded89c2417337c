/** GetObjectAttributes, with the size and the tag that the object has for clients; checksums and parts of what is stored are left out. */
import { changeAnswer, readAnswer } from "../../../lib/wire/s3-xml.ts";
import { contentOf } from "./answers.ts";
import { replyWith } from "./documents.ts";
import type { Exchange } from "./exchange.ts";
import { lookAt, placeAsked } from "./s3-look.ts";
import { troubleOfStatus } from "./s3-trouble.ts";
import { Trouble } from "./trouble.ts";

const LONGEST = 4 * 1024 * 1024;

export async function attributes(x: Exchange): Promise<void> {
  const looked = await lookAt(x, placeAsked(x));
  if (typeof looked === "number") throw troubleOfStatus(looked, "the object");
  const answer = await x.ask("GET", [...x.fieldsWithout("accept-encoding"), ["Accept-Encoding", "identity"]]);
  if (answer.statusCode !== 200) {
    await x.passOn(answer);
    return;
  }
  const read = readAnswer(await contentOf(answer, LONGEST));
  if (read.kind === "bad")
    throw new Trouble("upstream_broken", `the attributes of the object are malformed: ${read.reason}`);
  const size = looked.size === undefined ? undefined : String(looked.size);
  const fields = {
    ETag: looked.tag?.replaceAll('"', ""),
    ObjectSize: size,
    Checksum: undefined,
    ObjectParts: undefined,
  };
  replyWith(x, answer, changeAnswer(read.value, [{ entry: read.value.root, fields }]));
}
