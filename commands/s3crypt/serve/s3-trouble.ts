/** Trouble as S3 clients read it: codes of S3, in XML. Sends nothing. */
import { encodeError } from "../../../lib/wire/s3-xml.ts";
import type { Asked, Explained } from "./dialect.ts";
import { Trouble, type TroubleCode } from "./trouble.ts";

/** Trouble that S3 has a code of its own for. */
export class S3Trouble extends Trouble {
  readonly s3Code: string;
  readonly #status: number;

  constructor(code: TroubleCode, s3Code: string, message: string, status = STATUS[s3Code] ?? 400) {
    super(code, message);
    this.s3Code = s3Code;
    this.#status = status;
  }

  override get status(): number {
    return this.#status;
  }
}

/** Those that are not 400. */
const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  InvalidPartNumber: 416,
  MissingContentLength: 411,
  NoSuchKey: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
};

/** Of trouble that has no code of its own. Clients try again what has a status from 500 on, but for 501. */
const CODES: Readonly<Partial<Record<TroubleCode, string>>> = {
  not_found: "NoSuchKey",
  bad_request: "InvalidRequest",
  bad_digest: "BadDigest",
  wrong_etag: "BadDigest",
  method_not_allowed: "MethodNotAllowed",
  precondition_failed: "PreconditionFailed",
  denied: "AccessDenied",
  used_up: "AccessDenied",
  unsupported: "NotImplemented",
  malformed: "MalformedXML",
  length_required: "MissingContentLength",
  no_such_upload: "NoSuchUpload",
  invalid_part: "InvalidPart",
  limit: "SlowDown",
  registry_unavailable: "ServiceUnavailable",
  upstream_timeout: "ServiceUnavailable",
};

const PLAIN = "text/plain; charset=utf-8";
/** What ds_proxy says to whoever has not signed. */
const UNSIGNED = "Invalid S3 signature";

/** Where programs of ds_proxy ask, whoever has not signed or comes a second time is told so as there. */
export function explainToS3(trouble: Trouble, { root, rest }: Asked): Explained {
  if (trouble.code === "unsigned" && root === "/upstream/") return { status: 401, type: PLAIN, body: UNSIGNED };
  if (trouble.code === "used_up" && root === "/upstream/") return { status: 403, type: PLAIN, body: trouble.message };
  const code = trouble instanceof S3Trouble ? trouble.s3Code : (CODES[trouble.code] ?? "InternalError");
  const body = Buffer.from(encodeError(code, trouble.message, { Resource: printable(`/${rest}`) })).toString();
  return { status: trouble.status, type: "application/xml", body };
}

/** XML has no way to write the others. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}

/** What it means that the storage answers a look with `status`; `what` was looked at. */
export function troubleOfStatus(status: number, what: string): Trouble {
  if (status === 404) return new S3Trouble("not_found", "NoSuchKey", `${what} does not exist`);
  if (status === 403) return new S3Trouble("denied", "AccessDenied", `the storage does not show ${what}`);
  return new Trouble("upstream_broken", `the storage answers ${status} for ${what}`);
}
