/** The library in Go that reads and writes PROXY headers (tests/support/proxyproto). Asserts nothing. */
import { goProgram } from "./go-program.ts";
import { run } from "./program.ts";

/** As tests/support/proxyproto/main.go has it. */
export interface Header {
  hex?: string;
  error?: string;
  version?: number;
  local?: boolean;
  transport?: number;
  source?: string;
  destination?: string;
  fields?: { type: number; value: string }[];
  tls?: object;
  rest?: string;
}

let program: Promise<string> | undefined;

/** Builds it where it is not there yet. */
export function openLibrary(): Promise<string> {
  return (program ??= goProgram("proxyproto"));
}

/** Each with `hex` is read, each without is written. */
export async function askLibrary(requests: readonly Header[]): Promise<Header[]> {
  const stdin = requests.map((request) => `${JSON.stringify(request)}\n`).join("");
  const { status, stdout, stderr } = await run([await openLibrary()], { stdin });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Header);
}
