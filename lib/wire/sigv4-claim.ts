/** What the signature of an S3 request claims: read from the Authorization header or from a presigned query. Believes none of it. */
import { decodeParameter, parseQuery, type RequestHead } from "./sigv4-canonical.ts";
import { ALGORITHM, LONGEST_EXPIRES, parseAmzDate } from "./sigv4.ts";
import { parsePayloadMode, UNSIGNED_PAYLOAD } from "./s3-payload.ts";

export interface Claim {
  accessKeyId: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  scope: string;
  region: string;
  service: string;
  /** Lower case, sorted, each once. */
  signedHeaders: string[];
  /** Lower-case hexadecimal digits. */
  signature: string;
  /** As signed, `20130524T000000Z`. */
  amzDate: string;
  /** Milliseconds since 1970. */
  date: number;
  /** Seconds that a presigned URL holds; undefined where the headers are signed. */
  expires: number | undefined;
  /** Of `x-amz-content-sha256`, as signed. */
  payload: string;
  sessionToken: string | undefined;
}

/** Why a request is refused, with the code that S3 has for it. */
export interface Refusal {
  kind: "bad";
  code: string;
  reason: string;
}

export function refuse(code: string, reason: string): Refusal {
  return { kind: "bad", code, reason };
}

const MALFORMED_HEADER = "AuthorizationHeaderMalformed";
const MALFORMED_QUERY = "AuthorizationQueryParametersError";

/** Longest Authorization header or query that is looked at, in bytes. */
const LONGEST = 16_384;

/** Reads the one signature of a request; two, none, and those of version 2 and of ECDSA are refused. */
export function readClaim(head: RequestHead): Claim | Refusal {
  const trouble = troubleOf(head);
  if (trouble !== undefined) return refuse("InvalidRequest", trouble);
  const parameters = new Map<string, string[]>();
  for (const { name, value } of parseQuery(head.query)) {
    const lower = decodeParameter(name).toLowerCase();
    const values = parameters.get(lower);
    if (values === undefined) parameters.set(lower, [decodeParameter(value)]);
    else values.push(decodeParameter(value));
  }
  const authorization = valuesOf(head, "authorization");
  const isPresigned = ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].some((name) => parameters.has(name));
  if (authorization.length + (isPresigned ? 1 : 0) > 1)
    return refuse("InvalidArgument", "the request is signed more than once");
  if (isPresigned) return readQuery(head, parameters);
  if (authorization.length === 1) return readHeader(head, authorization[0]!);
  if (parameters.has("signature") || parameters.has("awsaccesskeyid")) return SIGNATURE_V2;
  return refuse("AccessDenied", "the request is not signed");
}

const SIGNATURE_V2 = refuse("InvalidRequest", "signatures of version 2 are not accepted");

/** What cannot be on the wire, and would let two requests have one canonical form. */
function troubleOf({ method, path, query, headers }: RequestHead): string | undefined {
  if (!/^[A-Z]{1,32}$/.test(method)) return "the method is malformed";
  if (!/^\/[\x21-\x7e\x80-\xff]*$/.test(path) || !/^[\x21-\x7e\x80-\xff]*$/.test(query))
    return "the target is malformed";
  if (query.length > LONGEST) return "the query is too long";
  const isMalformed = headers.some(
    ([name, value]) => /[^\x21-\x7e]/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value),
  );
  return isMalformed ? "a header is malformed" : undefined;
}

function valuesOf(head: RequestHead, name: string): string[] {
  return head.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value.trim());
}

function readHeader(head: RequestHead, authorization: string): Claim | Refusal {
  if (authorization.length > LONGEST) return refuse(MALFORMED_HEADER, "Authorization is too long");
  if (/^AWS /i.test(authorization)) return SIGNATURE_V2;
  const [, algorithm, rest] = /^(\S+)[ \t]+(.*)$/.exec(authorization) ?? [];
  if (algorithm !== ALGORITHM) return refuse("InvalidRequest", `Authorization is not of ${ALGORITHM}`);
  const parts = new Map<string, string>();
  for (const part of rest!.split(",")) {
    const [, name, value] = /^[ \t]*(Credential|SignedHeaders|Signature)=(\S+)[ \t]*$/.exec(part) ?? [];
    if (name === undefined || parts.has(name)) return refuse(MALFORMED_HEADER, "Authorization is malformed");
    parts.set(name, value!);
  }
  if (parts.size !== 3) return refuse(MALFORMED_HEADER, "a part of Authorization is missing");
  const date = dateOfHeaders(head);
  if (date === undefined) return refuse("AccessDenied", "x-amz-date is missing or malformed");
  const payloads = valuesOf(head, "x-amz-content-sha256");
  if (payloads.length !== 1) return refuse("InvalidRequest", "x-amz-content-sha256 is missing or given twice");
  const tokens = valuesOf(head, "x-amz-security-token");
  return claimOf(MALFORMED_HEADER, {
    credential: parts.get("Credential")!,
    signedHeaders: parts.get("SignedHeaders")!,
    signature: parts.get("Signature")!,
    ...date,
    expires: undefined,
    payload: payloads[0]!,
    tokens,
  });
}

/** `x-amz-date`, or else `Date`, in the form of SigV4 or in that of HTTP. */
function dateOfHeaders(head: RequestHead): { amzDate: string; date: number } | undefined {
  const [own, ...others] = valuesOf(head, "x-amz-date");
  const [common, ...more] = valuesOf(head, "date");
  if (others.length > 0 || (own === undefined && more.length > 0)) return undefined;
  const amzDate = own ?? (common === undefined ? "" : (amzDateOfHttp(common) ?? common));
  const date = parseAmzDate(amzDate);
  return date === undefined ? undefined : { amzDate, date };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Fri, 24 May 2013 00:00:00 GMT` (RFC 9110 section 5.6.7). */
function amzDateOfHttp(text: string): string | undefined {
  const [, day, name, year, time] =
    /^[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) GMT$/.exec(text) ?? [];
  const month = MONTHS.indexOf(name ?? "") + 1;
  if (day === undefined || month === 0) return undefined;
  return `${year}${String(month).padStart(2, "0")}${day}T${time!.replaceAll(":", "")}Z`;
}

function readQuery(head: RequestHead, parameters: Map<string, string[]>): Claim | Refusal {
  const one = (name: string): string | undefined => {
    const values = parameters.get(name);
    return values?.length === 1 ? values[0] : undefined;
  };
  const algorithm = one("x-amz-algorithm");
  if (algorithm !== ALGORITHM) return refuse(MALFORMED_QUERY, `X-Amz-Algorithm is not ${ALGORITHM}`);
  for (const name of ["credential", "date", "expires", "signedheaders", "signature"])
    if (one(`x-amz-${name}`) === undefined) return refuse(MALFORMED_QUERY, `x-amz-${name} is missing or given twice`);
  const amzDate = one("x-amz-date")!;
  const date = parseAmzDate(amzDate);
  if (date === undefined) return refuse(MALFORMED_QUERY, "x-amz-date is malformed");
  const text = one("x-amz-expires")!;
  const expires = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (expires < 1 || expires > LONGEST_EXPIRES)
    return refuse(MALFORMED_QUERY, `x-amz-expires is not between 1 and ${LONGEST_EXPIRES}`);
  const inQuery = parameters.get("x-amz-content-sha256") ?? [];
  const payloads = [...valuesOf(head, "x-amz-content-sha256"), ...inQuery];
  if (new Set(payloads).size > 1) return refuse("InvalidRequest", "x-amz-content-sha256 is given twice");
  const tokens = parameters.get("x-amz-security-token") ?? [];
  return claimOf(MALFORMED_QUERY, {
    credential: one("x-amz-credential")!,
    signedHeaders: one("x-amz-signedheaders")!,
    signature: one("x-amz-signature")!,
    amzDate,
    date,
    expires,
    payload: payloads[0] ?? UNSIGNED_PAYLOAD,
    tokens: [...tokens, ...valuesOf(head, "x-amz-security-token")],
  });
}

interface Parts extends Pick<Claim, "amzDate" | "date" | "expires" | "payload" | "signature"> {
  credential: string;
  signedHeaders: string;
  tokens: string[];
}

function claimOf(code: string, { credential, signedHeaders, tokens, ...rest }: Parts): Claim | Refusal {
  const fields = credential.split("/");
  const [date, region, service, end] = fields.slice(-4);
  const accessKeyId = fields.slice(0, -4).join("/");
  if (accessKeyId === "" || end !== "aws4_request" || !date || !region || !service)
    return refuse(code, "the credential is not KEY/DATE/REGION/SERVICE/aws4_request");
  if (date !== rest.amzDate.slice(0, 8)) return refuse(code, "the credential is of another date");
  const names = signedHeaders.split(";");
  const isOrdered = names.every((name, i) => i === 0 || names[i - 1]! < name);
  if (!isOrdered || !names.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)))
    return refuse(code, "the signed headers are not in lower case, sorted and each once");
  if (!/^[0-9a-f]{64}$/.test(rest.signature)) return refuse(code, "the signature is not 64 hexadecimal digits");
  if (parsePayloadMode(rest.payload) === undefined)
    return refuse("InvalidArgument", "x-amz-content-sha256 is not known");
  if (tokens.length > 1) return refuse(code, "the session token is given twice");
  const scope = `${date}/${region}/${service}/${end}`;
  return { accessKeyId, scope, region, service, signedHeaders: names, sessionToken: tokens[0], ...rest };
}
