/** Why the proxy answers in the storage's place: status, a stable code, and a sentence for the person. Sends nothing. */

/** Codes are part of the interface: they stand in `X-Portail-Error`, in the audit and in metrics. */
const STATUS = {
  not_found: 404,
  maintenance: 404,
  bad_request: 400,
  bad_digest: 400,
  wrong_etag: 422,
  /** Of multipart uploads. */
  malformed: 400,
  length_required: 411,
  no_such_upload: 404,
  invalid_part: 400,
  method_not_allowed: 405,
  precondition_failed: 412,
  /** Nobody has shown who asks. */
  unsigned: 403,
  denied: 403,
  used_up: 403,
  /** It could carry the bytes of an object past the cipher, or would break objects. */
  unsupported: 501,
  limit: 503,
  /** Nobody can tell whether the right to an upload was used. */
  registry_unavailable: 503,
  io: 500,
  /** A fault of ours. */
  internal: 500,
  upstream_unreachable: 502,
  upstream_untrusted: 502,
  upstream_broken: 502,
  upstream_timeout: 504,
  /** It says no, and what it says is handed on. */
  upstream_refused: 502,
  // What is wrong with an object: words of `ObjectTrouble`.
  header: 502,
  truncated: 502,
  forged: 502,
  unknown_key: 502,
  plaintext: 502,
  unproven_end: 502,
} as const satisfies Record<string, number>;

export type TroubleCode = keyof typeof STATUS;

export class Trouble extends Error {
  readonly code: TroubleCode;

  constructor(code: TroubleCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}
