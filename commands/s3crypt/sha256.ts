/** The runtime's own SHA-256, many times as fast as that of lib/wire/sha256.ts. */
import { createHash, createHmac } from "node:crypto";
import type { Sha256 } from "../../lib/wire/sha256.ts";

export const NATIVE_SHA256: Sha256 = {
  hash: (data) => createHash("sha256").update(data).digest(),
  hmac: (key, data) => createHmac("sha256", key).update(data).digest(),
  start: () => createHash("sha256"),
};
