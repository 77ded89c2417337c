/** Conditions of a request on an entity tag (RFC 9110 section 13), held against the tag that we show. Dates are the storage's. */

/** The tag as it stands in the ETag field; undefined where none is known. */
export type Tag = string | undefined;

/** Whether `If-Match` holds; `field` undefined is no condition. What is not known matches nothing but `*`. */
export function holdsIfMatch(field: string | undefined, tag: Tag): boolean {
  return field === undefined || field.trim() === "*" || listed(field, tag);
}

/** Whether `If-None-Match` holds, for what exists. */
export function holdsIfNoneMatch(field: string | undefined, tag: Tag): boolean {
  return field === undefined || (field.trim() !== "*" && !listed(field, tag));
}

/** Whether a range may be answered with `If-Range: field`: only the same tag, or the same date of change, says so. */
export function holdsIfRange(field: string | undefined, tag: Tag, lastModified: string | undefined): boolean {
  if (field === undefined) return true;
  const asked = field.trim();
  if (asked.startsWith('"')) return asked === tag;
  return !asked.startsWith("W/") && asked === lastModified;
}

/** Tags are written without quotes by some clients. */
function listed(field: string, tag: Tag): boolean {
  if (tag === undefined) return false;
  return field.split(",").some((each) => {
    const asked = each.trim().replace(/^W\//, "");
    return asked === tag || `"${asked}"` === tag;
  });
}
