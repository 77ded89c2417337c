/** Until when a presigned request holds, by its query: TempURLs of Swift and presigned URLs of S3. Verifies no signature. */
import { decodeParameter } from "../../../lib/wire/sigv4-canonical.ts";

/**
 * Milliseconds since 1970, the latest of several; Infinity where a time is given that cannot be read, so that nobody can
 * say when it is over; undefined where none is given. Names are taken in any case, and decoded, and `;` ends a parameter
 * as well: there are storages that do so.
 */
export function queryExpiry(query: string): number | undefined {
  const values = (name: string) =>
    query.split(/[&;]/).flatMap((each) => {
      const equals = each.indexOf("=");
      const key = decodeParameter(equals === -1 ? each : each.slice(0, equals)).toLowerCase();
      return key === name ? [equals === -1 ? "" : decodeParameter(each.slice(equals + 1))] : [];
    });
  const dates = values("x-amz-date").map(amzDate);
  const signedAt = dates.length === 0 ? Infinity : Math.max(...dates);
  const ends = [
    ...values("temp_url_expires").map(tempUrlExpiry),
    ...values("x-amz-expires").map((text) => signedAt + seconds(text)),
  ];
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** Seconds since 1970, or a time of ISO 8601 in UTC, as Swift takes them. */
function tempUrlExpiry(text: string): number {
  if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(text)) return orInfinity(Date.parse(text));
  return seconds(text);
}

function seconds(text: string): number {
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : Infinity;
}

function amzDate(text: string): number {
  const [, y, m, d, hours, minutes, secs] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return orInfinity(Date.parse(`${y}-${m}-${d}T${hours}:${minutes}:${secs}Z`));
}

function orInfinity(time: number): number {
  return Number.isNaN(time) ? Infinity : time;
}
