/** Node's HTTP/2 client as a program of its own (http2-client.mjs). Asserts nothing. */
import { resolve } from "node:path";
import { run } from "./program.ts";

export interface Http2Task {
  scenario: "transfer" | "ask" | "websocket";
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
  /** PEM. */
  ca?: string;
}

/** What came of it, as the program says. */
export async function http2Client(task: Http2Task): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await run(["node", resolve(import.meta.dir, "http2-client.mjs"), JSON.stringify(task)]);
  const [line] = stdout.split("\n");
  if (line === undefined || line === "") throw new Error(`node said nothing: ${stderr}`);
  return JSON.parse(line) as Record<string, unknown>;
}
