/** Entity tags as clients know them: of objects and parts the MD5 of the plaintext, of objects in parts that of their MD5s. */
import { createHash } from "node:crypto";

/** Without the quotes. */
export function bareTag(tag: string): string {
  return tag.trim().replace(/^"(.*)"$/, "$1");
}

/** As S3 has it: the MD5 of the MD5s of the parts, and how many they are. Undefined where one is not known. */
export function tagOfParts(parts: readonly { readonly md5?: Uint8Array | undefined }[]): string | undefined {
  const whole = createHash("md5");
  for (const { md5 } of parts) {
    if (md5 === undefined) return undefined;
    whole.update(md5);
  }
  return `"${whole.digest("hex")}-${parts.length}"`;
}
