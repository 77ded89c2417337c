/** Node's HTTP/2 client as a program of its own (http2-client.mjs). Asserts nothing. */
import { resolve } from "node:path";
import { run } from "./program.ts";

export interface Http2Task {
  scenario: "transfer" | "ask" | "websocket" | "fetch";
  /** URL of the proxy. */
  proxy: string;
  /** `host:port`. */
  target: string;
  tunnels?: number;
  /** Bytes of each. */
  size?: number;
  headers?: Record<string, string>;
  path?: string;
  scheme?: "http" | "https";
  /** Of `fetch`: all at once. */
  requests?: readonly FetchRequest[];
  /** PEM. */
  ca?: string;
}

export interface FetchRequest {
  headers?: Record<string, string>;
  /** Bytes of content, which are random; none without it. */
  size?: number;
  /** With Content-Length. */
  sized?: boolean;
  /** For 100 before it sends any. */
  waits?: boolean;
  trailers?: Record<string, string>;
}

/** What came of one. */
export interface Fetched {
  answer: Record<string, unknown>;
  /** Statuses of interim answers. */
  interim: number[];
  trailers: Record<string, unknown>;
  /** Where it is short. */
  body: string;
  length: number;
  /** SHA-256 of the content that came, and of that which was sent. */
  digest: string;
  sent?: string;
  /** The error code that the stream ended with. */
  code: number;
  error: string | null;
}

/** What came of `http://` requests that were all made at once. */
export async function http2Fetch(
  task: Omit<Http2Task, "scenario">,
  ...requests: readonly FetchRequest[]
): Promise<Fetched[]> {
  const outcome = await http2Client({ ...task, scenario: "fetch", requests });
  if (!("outcomes" in outcome)) throw new Error(JSON.stringify(outcome));
  return outcome["outcomes"] as Fetched[];
}

/** What came of it, as the program says. */
export async function http2Client(task: Http2Task): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await run(["node", resolve(import.meta.dir, "http2-client.mjs"), JSON.stringify(task)]);
  const [line] = stdout.split("\n");
  if (line === undefined || line === "") throw new Error(`node said nothing: ${stderr}`);
  return JSON.parse(line) as Record<string, unknown>;
}
