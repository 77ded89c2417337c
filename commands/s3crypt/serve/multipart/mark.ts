/** What is kept beside an object in parts, in the place of sealed facts (sealed-facts.ts): which object it is. A hint, which proves nothing. Pure. */

export interface Mark {
  readonly keyId: bigint;
  readonly objectId: Uint8Array;
}

/** `m1.KEYID.BASE64URL`. */
export function formatMark({ keyId, objectId }: Mark): string {
  return `m1.${keyId}.${Buffer.from(objectId).toString("base64url")}`;
}

export function parseMark(text: unknown): Mark | undefined {
  const [, id, encoded] = (typeof text === "string" && /^m1\.([0-9]{1,20})\.([A-Za-z0-9_-]{22})$/.exec(text)) || [];
  if (id === undefined || encoded === undefined) return undefined;
  return { keyId: BigInt(id), objectId: Uint8Array.from(Buffer.from(encoded, "base64url")) };
}
