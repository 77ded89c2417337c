/** Until when presigned requests hold, as Swift and S3 write it. */
import { expect, test } from "bun:test";
import { queryExpiry } from "../../../../../commands/s3crypt/serve/expiry.ts";

const NOON = Date.parse("2030-01-02T12:00:00Z");

test.each([
  ["", undefined],
  ["a=b&expires=1", undefined],
  ["xtemp_url_expires=1", undefined],
  [`temp_url_sig=x&temp_url_expires=${NOON / 1000}`, NOON],
  [`TEMP_URL_EXPIRES=${NOON / 1000}&a`, NOON],
  [`temp%5Furl%5fexpires=${NOON / 1000}`, NOON],
  ["temp_url_expires=2030-01-02T12:00:00Z", NOON],
  ["temp_url_expires=2030-01-02T12%3A00%3A00Z", NOON],
  ["X-Amz-Date=20300102T110000Z&X-Amz-Expires=3600", NOON],
  ["x-amz-expires=3600&x-AMZ-date=20300102T110000Z", NOON],
  ["X-Amz-Expires=604800&X-Amz-Date=20291226T120000Z", NOON],
  [`temp_url_expires=1;temp_url_expires=${NOON / 1000}&temp_url_expires=2`, NOON],
  ["temp_url_expires=1&X-Amz-Date=20300102T110000Z&X-Amz-Expires=3600", NOON],
  ["temp_url_expires", Infinity],
  ["temp_url_expires=", Infinity],
  ["temp_url_expires=soon", Infinity],
  ["temp_url_expires=-1", Infinity],
  ["temp_url_expires=1_000", Infinity],
  ["temp_url_expires=2030-01-02T12:00:00", Infinity],
  ["temp_url_expires=2030-13-02T12:00:00Z", Infinity],
  ["X-Amz-Expires=3600", Infinity],
  ["X-Amz-Date=20300102T110000Z&X-Amz-Expires=x", Infinity],
  ["X-Amz-Date=today&X-Amz-Expires=1", Infinity],
])("%j", (query, expiry) => {
  expect(queryExpiry(query)).toBe(expiry);
});
