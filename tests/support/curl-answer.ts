/** What curl got, as head and content. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { curl } from "./curl.ts";
import type { Scene } from "./scene.ts";

export interface CurlAnswer {
  /** curl's own exit status: 18 is content that broke off, 56 a reset. */
  exit: number | null;
  status: number;
  /** By name in lower case. */
  fields: ReadonlyMap<string, string>;
  body: Buffer;
}

/** Runs curl on `url`, whose path is sent as it is written. */
export async function curlAnswer(
  scene: Scene,
  url: string,
  args: readonly string[] = [],
  stdin?: Uint8Array,
): Promise<CurlAnswer> {
  const out = scene.path("curl-out");
  rmSync(out, { force: true });
  const options = stdin === undefined ? {} : { stdin };
  const { stdout, status } = await curl(["--path-as-is", "-D", "-", "-o", out, ...args, url], options);
  const heads = stdout.split("\r\n\r\n").filter((head) => head !== "" && !head.startsWith("HTTP/1.1 100"));
  const [first = "", ...lines] = (heads.at(-1) ?? "").split("\r\n");
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const body = existsSync(out) ? readFileSync(out) : Buffer.alloc(0);
  return { exit: status, status: Number(first.split(" ")[1]), fields: new Map(fields), body };
}
