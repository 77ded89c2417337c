/** Whether an S3 request was signed with known credentials, now, and over all that matters. The body is for aws-chunked.ts. */
import { sameText, type Sha256 } from "./sha256.ts";
import {
  canonicalHeaders,
  canonicalParameter,
  canonicalPath,
  canonicalRequest,
  decodeParameter,
  parseQuery,
  sortedQuery,
  type Parameter,
  type RequestHead,
} from "./sigv4-canonical.ts";
import { readClaim, refuse, type Claim, type Refusal } from "./sigv4-claim.ts";
import { signCanonical, signingKey, type Credentials, type Signing } from "./sigv4.ts";

/** A request whose signature is right. */
export interface Verified {
  kind: "ok";
  claim: Claim;
  /** What the signatures of its chunks begin with. */
  signing: Signing;
  /** Milliseconds since 1970 from which a presigned URL is refused, but for the tolerance; undefined for others. */
  expiresAt: number | undefined;
}

/** By how much clocks may differ, in milliseconds. */
export const TOLERANCE = 15 * 60_000;

/**
 * Verifies the signature of a request. `now` is in milliseconds since 1970. A date up to 15 minutes ahead is accepted,
 * and one that (with the time that a presigned URL holds) is up to 15 minutes old. All of the Host and the `x-amz-*`
 * headers must be signed, for those are what S3 acts upon.
 */
export function verifySignature(
  head: RequestHead,
  credentials: Credentials,
  now: number,
  sha256: Sha256,
): Verified | Refusal {
  const claim = readClaim(head);
  if ("kind" in claim) return claim;
  const trouble = troubleOfScope(claim, credentials) ?? troubleOfTime(claim, now) ?? troubleOfHeaders(claim, head);
  if (trouble !== undefined) return trouble;
  const { amzDate, scope, signature } = claim;
  const signing = { amzDate, scope, key: signingKey(credentials.secretAccessKey, scope, sha256), signature };
  const isRight = canonicalForms(head, claim)
    .map((canonical) => sameText(signCanonical(canonical, signing, sha256), signature))
    .includes(true);
  if (!isRight) return refuse("SignatureDoesNotMatch", "the signature does not match");
  const expiresAt = claim.expires === undefined ? undefined : claim.date + 1000 * claim.expires;
  return { kind: "ok", claim, signing, expiresAt };
}

function troubleOfScope(claim: Claim, { accessKeyId, region, sessionToken }: Credentials): Refusal | undefined {
  if (!sameText(claim.accessKeyId, accessKeyId)) return refuse("InvalidAccessKeyId", "the access key id is not known");
  if (claim.service !== "s3") return refuse("AuthorizationHeaderMalformed", "the credential is for another service");
  if (claim.region !== region) return refuse("AuthorizationHeaderMalformed", "the credential is for another region");
  if (!sameText(claim.sessionToken ?? "", sessionToken ?? ""))
    return refuse("InvalidToken", "the session token is not known");
  return undefined;
}

function troubleOfTime({ date, expires }: Claim, now: number): Refusal | undefined {
  if (date > now + TOLERANCE) return refuse("RequestTimeTooSkewed", "the request is dated in the future");
  if (date + 1000 * (expires ?? 0) >= now - TOLERANCE) return undefined;
  return expires === undefined
    ? refuse("RequestTimeTooSkewed", "the request is too old")
    : refuse("AccessDenied", "the presigned URL has expired");
}

function troubleOfHeaders({ signedHeaders, expires }: Claim, { headers }: RequestHead): Refusal | undefined {
  const given = headers.map(([name]) => name.toLowerCase());
  if (given.filter((name) => name === "host").length !== 1)
    return refuse("InvalidRequest", "Host is missing or given twice");
  const names = new Set(given);
  const signed = new Set(signedHeaders);
  const absent = signedHeaders.find((name) => !names.has(name));
  if (absent !== undefined) return refuse("SignatureDoesNotMatch", `the signed header ${absent} is missing`);
  const isDated = names.has("x-amz-date") || expires !== undefined;
  const open = given.find(
    (name) => (name === "host" || name.startsWith("x-amz-") || (name === "date" && !isDated)) && !signed.has(name),
  );
  return open === undefined ? undefined : refuse("AccessDenied", `the header ${open} is not signed`);
}

/** Parameters of presigned URLs, as signers spell them, by their names in lower case. */
const SPELT = new Map(
  ["Algorithm", "Content-Sha256", "Credential", "Date", "Expires", "Security-Token", "SignedHeaders"].map((name) => [
    `x-amz-${name.toLowerCase()}`,
    `X-Amz-${name}`,
  ]),
);

/**
 * What the client may have signed: path and query as they are on the wire, or decoded and encoded once, as S3 does. Both
 * name the same object, so either signature is as good. Most requests have only one form.
 */
function canonicalForms(head: RequestHead, { signedHeaders, payload }: Claim): string[] {
  const sent = parseQuery(head.query).filter(({ name }) => decodeParameter(name).toLowerCase() !== "x-amz-signature");
  const paths = new Set([head.path, canonicalPath(head.path)]);
  const queries = new Set([sortedQuery(sent), sortedQuery(sent.map(canonicalParameter).map(spelt))]);
  const headers = canonicalHeaders(head.headers);
  return [...paths].flatMap((path) =>
    [...queries].map((query) => canonicalRequest(head.method, path, query, headers, signedHeaders, payload)),
  );
}

function spelt({ name, value }: Parameter): Parameter {
  return { name: SPELT.get(name.toLowerCase()) ?? name, value };
}
