/** Uploads by presigned URLs, many at a time, with curl. Asserts nothing. */
import { curl } from "./curl.ts";

/** A query that holds until then, in seconds from now, as Swift signs URLs. */
export function tempUrl(seconds: number): string {
  return `temp_url_sig=0a1b2c&temp_url_expires=${Math.ceil(Date.now() / 1000) + seconds}`;
}

/** PUTs `file` to all of `urls` at once, and gives the statuses in order of their numbers. */
export async function uploadAll(file: string, urls: readonly string[]): Promise<number[]> {
  const each = urls.flatMap((url) => ["-T", file, "-o", "/dev/null", url]);
  const many = ["-Z", "--parallel-immediate", "--parallel-max", "100", "--path-as-is"];
  const { stdout } = await curl([...many, "-w", "%{http_code}\n", ...each]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** PUTs it once, and gives the status. */
export async function upload(file: string, url: string): Promise<number> {
  return (await uploadAll(file, [url]))[0]!;
}
