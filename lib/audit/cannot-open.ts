/** The error for an audit that has nowhere to go: the start stops. */
import { EXIT, PortailError } from "../command/errors.ts";

export function cannotOpen(destination: string, why: string, hint: string, cause?: unknown): PortailError {
  return new PortailError(`cannot open the audit destination ${JSON.stringify(destination)}: ${why}`, {
    code: "audit.cannot_open",
    exit: EXIT.cannotCreate,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
