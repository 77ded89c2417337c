/** `If-Match` on uploads and deletions: the client names the tag that it was shown, the storage is asked for its own. */
import type { Field } from "../../../lib/wire/http-forward.ts";
import { holdsIfMatch } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { lookAt, placeAsked } from "./s3-look.ts";
import { valueOf } from "./s3-copy.ts";
import { troubleOfStatus } from "./s3-trouble.ts";
import { Trouble } from "./trouble.ts";
import { today } from "./written-tags.ts";

/** Whether it must be translated: `*` means the same on both sides. */
export function asksForTag(x: Pick<Exchange, "asked">): boolean {
  const asked = valueOf(x.asked, "if-match");
  return asked !== undefined && asked.trim() !== "*";
}

/** The condition for the storage: it holds as long as what is there now is there. Throws `Trouble` where it does not hold. */
export async function storedMatch(x: Exchange): Promise<Field> {
  const looked = await lookAt(x, placeAsked(x));
  if (typeof looked === "number") throw troubleOfStatus(looked, "the object");
  const asked = today(x, valueOf(x.asked, "if-match"), looked.stored, looked.tag);
  if (!holdsIfMatch(asked, looked.tag) || looked.stored === undefined)
    throw new Trouble("precondition_failed", "the object is another one");
  return ["If-Match", looked.stored];
}
