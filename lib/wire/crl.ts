/** Whose revocations a list is, and how long it holds (RFC 5280 section 5.1). Reads no entries and verifies no signature. */
import { bad } from "./decode.ts";
import { bitStringBytes, DerError, DerReader, TAG } from "./der.ts";
import { nameOf, type Name } from "./x509-name.ts";
import { timeOf } from "./x509-time.ts";

export interface Crl {
  readonly issuer: Name;
  /** Milliseconds since 1970, UTC. */
  readonly thisUpdate: number;
  /** Undefined where the list holds for ever. */
  readonly nextUpdate: number | undefined;
}

/** Decodes a list in DER, with nothing behind it. `bad` repeats nothing of the bytes. */
export function decodeCrl(der: Uint8Array): { kind: "ok"; value: Crl } | { kind: "bad"; reason: string } {
  try {
    return { kind: "ok", value: crlOf(der) };
  } catch (error) {
    if (error instanceof DerError) return bad(error.message);
    throw error;
  }
}

function crlOf(der: Uint8Array): Crl {
  const outer = new DerReader(der);
  const list = outer.enter(TAG.sequence);
  outer.finish();
  const body = list.enter(TAG.sequence);
  list.read(TAG.sequence);
  bitStringBytes(list.read(TAG.bitString));
  list.finish();
  body.readIf(TAG.integer);
  body.read(TAG.sequence);
  const issuer = nameOf(body.read(TAG.sequence));
  const thisUpdate = timeOf(body.next());
  const next = body.readIf(TAG.utcTime) ?? body.readIf(TAG.generalizedTime);
  return { issuer, thisUpdate, nextUpdate: next && timeOf(next) };
}
