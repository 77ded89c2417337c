/** Clients do not see the proxy's own objects: they are left out of listings, and no client deletes them. Pure. */
import { keyOf, type Answer, type Change, type Deletion, type Entry } from "../../../../lib/wire/s3-xml.ts";
import { S3Trouble } from "../s3-trouble.ts";
import { SIDE } from "./ask.ts";

/** Whether an entry of a listing is one of them, or stands for all of them. */
export function isHidden(answer: Answer, entry: Entry): boolean {
  return (keyOf(answer, entry) ?? keyOf(answer, entry, "Prefix"))?.startsWith(SIDE) ?? false;
}

/** What is to be changed in a listing so that they are not in it. */
export function hiding(answer: Answer): Change[] {
  const hidden = answer.entries.filter((entry) => isHidden(answer, entry));
  if (hidden.length === 0) return [];
  const count = Number(answer.root.fields.get("KeyCount"));
  const fields: Change["fields"] = Number.isInteger(count)
    ? { KeyCount: String(Math.max(0, count - hidden.length)) }
    : {};
  return [{ entry: answer.root, fields }, ...hidden.map((entry) => ({ entry, fields: undefined }))];
}

/** Throws `Trouble` where one of them is to be deleted. */
export function refuseSides({ objects }: Deletion): void {
  if (objects.some(({ key }) => key.startsWith(SIDE)))
    throw new S3Trouble("denied", "AccessDenied", `keys that begin with ${SIDE} are the proxy's own`);
}
