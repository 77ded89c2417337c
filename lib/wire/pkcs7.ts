/** The certificates that a PKCS#7 file carries (RFC 2315 section 9.1). Verifies no signature in it; such files have none. */
import { derFromBer } from "./ber.ts";
import { contextTag, DerReader, oidText, TAG, wholeOf } from "./der.ts";

const SIGNED_DATA = "1.2.840.113549.1.7.2";

/** DER of each, in the order of the file. Throws `DerError` where `bytes` are no signed data. */
export function pkcs7Certificates(bytes: Uint8Array): Uint8Array[] {
  const info = new DerReader(derFromBer(bytes)).enter(TAG.sequence);
  if (oidText(info.read(TAG.oid)) !== SIGNED_DATA) return [];
  const data = info.enter(contextTag(0, true)).enter(TAG.sequence);
  data.read(TAG.integer);
  data.read(TAG.set);
  data.read(TAG.sequence);
  const list = data.readIf(contextTag(0, true));
  if (list === undefined) return [];
  const reader = DerReader.within(list);
  const certificates: Uint8Array[] = [];
  while (!reader.done) certificates.push(wholeOf(reader.read(TAG.sequence)));
  return certificates;
}
