/** The one error that an operator can cause: message, hint, stable code, exit status. Not for what a peer does wrong. */

/** Exit statuses, after sysexits(3); 0 and 1 are "done" and "the verdict is no". */
export const EXIT = {
  done: 0,
  no: 1,
  usage: 64,
  badData: 65,
  noInput: 66,
  unavailable: 69,
  bug: 70,
  os: 71,
  cannotCreate: 73,
  io: 74,
  retry: 75,
  noPrivilege: 77,
  config: 78,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

interface PortailErrorOptions {
  /** Stable, dotted, e.g. `acl.syntax`; scripts may match it. */
  code: string;
  exit: ExitStatus;
  /** What the operator can do about it: one sentence without a final period. */
  hint?: string;
  /** Printed verbatim before the error line, e.g. rendered diagnostics. */
  detail?: string;
  /** Nothing is printed of it: nobody is there to be told. */
  quiet?: boolean;
  cause?: unknown;
}

/**
 * An operator's mistake. `message` is lower case without a final period, quotes what it names,
 * and never holds a secret.
 */
export class PortailError extends Error {
  override readonly name = "PortailError";
  readonly code: string;
  readonly exit: ExitStatus;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
  readonly quiet: boolean;

  constructor(message: string, options: PortailErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.exit = options.exit;
    this.hint = options.hint;
    this.detail = options.detail;
    this.quiet = options.quiet ?? false;
  }
}
