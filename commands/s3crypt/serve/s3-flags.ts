/** The flags of S3 mode: data, as in flags.ts. */
import type { ArgDefinitions } from "../../../lib/command/define.ts";

const S3 = { group: "S3" } as const;

export const s3Args = {
  "s3-access-key": {
    ...S3,
    type: "string",
    valueHint: "ID",
    description: "Access key of clients, and of the proxy at the storage: with a secret and a region, S3 mode",
  },
  "s3-secret-key-file": {
    ...S3,
    type: "string",
    valueHint: "FILE",
    description: "File, named pipe or credential:NAME with its secret; without it, the value of S3_SECRET_KEY",
  },
  "s3-secret-key": {
    ...S3,
    type: "string",
    valueHint: "SECRET",
    description: "The secret itself, which everybody on this machine can read then",
  },
  "s3-region": { ...S3, type: "string", valueHint: "REGION", description: "The region that signatures are for" },
  "s3-listen": {
    ...S3,
    type: "string",
    multiple: true,
    valueHint: "ADDRESS",
    description: "Serve S3 in path style at the root there, so that clients need no /upstream/",
  },
  "bypass-s3-signature-check": {
    ...S3,
    type: "boolean",
    description: "Verify no signatures: whoever reaches the proxy may do what its access key may",
  },
  "list-sizes": {
    ...S3,
    type: "string",
    default: "exact",
    valueHint: "exact|raw",
    description: "Sizes in listings, of Swift too: exact, of the plaintext, or raw, as the storage has them",
  },
  multipart: {
    ...S3,
    type: "string",
    default: "allow",
    valueHint: "allow|deny",
    description: "Multipart uploads, which are always of version 3: deny refuses new ones",
  },
} as const satisfies ArgDefinitions;
