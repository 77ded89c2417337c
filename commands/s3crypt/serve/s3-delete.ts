/** DeleteObjects: each key is decided by the policy as if it were deleted by itself, and the storage is told of those alone that may be. */
import type { IncomingMessage } from "node:http";
import {
  readAnswer,
  readDeleteObjects,
  withDeleteErrors,
  withoutObjects,
  type DeleteError,
  type Deletion,
} from "../../../lib/wire/s3-xml.ts";
import { contentOf } from "./answers.ts";
import type { Expected } from "./dialect.ts";
import { readDocument, replyWith, sendBytes } from "./documents.ts";
import { hasDots } from "./dots.ts";
import type { Exchange } from "./exchange.ts";
import { requestFacts } from "./facts.ts";
import { refuseSides } from "./multipart/hide.ts";
import { recordDenied, type Decided } from "./record.ts";
import { placeOf } from "./s3-look.ts";
import { S3Trouble } from "./s3-trouble.ts";
import { Trouble } from "./trouble.ts";

/** A thousand of the longest keys, each with its error. */
const LONGEST = 8 * 1024 * 1024;

/** Costs a decision for each key, of which there are at most 1000. */
export async function deleteObjects(x: Exchange, expected: Expected): Promise<void> {
  const body = await readDocument(x, expected);
  const read = readDeleteObjects(body);
  if (read.kind === "bad") throw new S3Trouble("bad_request", "MalformedXML", read.reason);
  refuseSides(read.value);
  const denied = deniedOf(x, read.value);
  if (denied.size === 0) {
    await x.passOn(await sendBytes(x, body));
    return;
  }
  const errors = [...denied].map((place): DeleteError => {
    const { key, versionId } = read.value.objects[place]!;
    return { key, versionId, code: "AccessDenied", message: "the policy does not allow it" };
  });
  if (denied.size === read.value.objects.length) {
    const answer = Buffer.from(withDeleteErrors(undefined, errors)).toString();
    x.reply(200, [["Content-Type", "application/xml"]], answer);
    return;
  }
  const answer = await sendBytes(x, withoutObjects(body, denied));
  if (answer.statusCode === 200) replyWith(x, answer, await completed(answer, errors));
  else await x.passOn(answer);
}

/** A storage may find out behind its status that it cannot: then that is the answer. */
async function completed(answer: IncomingMessage, errors: readonly DeleteError[]): Promise<Uint8Array> {
  const bytes = await contentOf(answer, LONGEST);
  const read = readAnswer(bytes);
  if (read.kind === "bad") throw new Trouble("upstream_broken", `the storage's answer is malformed: ${read.reason}`);
  return read.value.root.name === "DeleteResult" ? withDeleteErrors(read.value, errors) : bytes;
}

/** The places in the document of those that the policy does not allow; each is recorded. */
function deniedOf(x: Exchange, { objects }: Deletion): Set<number> {
  const denied = new Set<number>();
  const { policy } = x.gateway;
  if (policy === undefined) return denied;
  const bucketPath = x.asked.path.replace(/\/$/, "");
  for (const [i, { key, versionId }] of objects.entries()) {
    const place = placeOf(bucketPath, key, versionId);
    // As of a path: where a storage resolves dots, what it means cannot be told from here.
    const named = hasDots(place.path) ? {} : { bucket: x.action.bucket, key };
    const subject = { operation: "DeleteObject", ...named };
    const facts = requestFacts(x.client, { ...x.asked, method: "DELETE", ...place }, subject);
    const decided: Decided = { policy, facts, decision: policy.decide(facts) };
    if (decided.decision.outcome === "allow") continue;
    denied.add(i);
    recordDenied(x, { ...subject, path: place.path }, decided);
  }
  return denied;
}
