/** Checksums of a whole object, which clients name when they complete it: held against those that they named of its parts. Pure. */
import type { Field } from "../../../../lib/wire/http-forward.ts";
import {
  checksumOfHeader,
  compositeChecksum,
  formatChecksum,
  fullObjectChecksum,
  type ChecksumName,
} from "../../checksums.ts";
import type { Receipt } from "./memory.ts";

/** The fields without those checksums, which are not of the list of parts that the request carries. */
export function withoutObjectChecksums(fields: readonly Field[]): Field[] {
  return fields.filter(([name]) => !name.toLowerCase().startsWith("x-amz-checksum-"));
}

/** The name of one that is wrong; `parts` are all of the object, in order. Where one of them has no such checksum, nothing can be told. */
export function wrongChecksum(
  fields: readonly Field[],
  parts: readonly (Receipt | undefined)[],
): ChecksumName | undefined {
  for (const [field, text] of fields) {
    const name = field.toLowerCase().startsWith("x-amz-checksum-") ? checksumOfHeader(field) : undefined;
    const known = parts.flatMap((part) => {
      const value = part?.checksums.find((each) => each.name === name)?.value;
      return value === undefined ? [] : [{ value, length: part!.plain }];
    });
    if (name === undefined || known.length < parts.length) continue;
    const type = fields.find(([each]) => each.toLowerCase() === "x-amz-checksum-type")?.[1].toUpperCase();
    // Where the client does not say which, either is as good.
    const composite = type === "FULL_OBJECT" ? undefined : compositeChecksum(name, known);
    const full = type === "COMPOSITE" ? undefined : fullOf(name, known);
    if (composite === undefined && full === undefined) continue;
    if (![full, composite, composite?.replace(/-[0-9]+$/, "")].includes(text)) return name;
  }
  return undefined;
}

function fullOf(name: ChecksumName, parts: Parameters<typeof fullObjectChecksum>[1]): string | undefined {
  if (name !== "CRC32" && name !== "CRC32C" && name !== "CRC64NVME") return undefined;
  return formatChecksum(fullObjectChecksum(name, parts));
}
