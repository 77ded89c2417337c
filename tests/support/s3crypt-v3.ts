/** Orders for s3crypt-v3.py: objects of version 3 by Python's cryptography. */
import { resolve } from "node:path";
import { PYTHON } from "./python-library.ts";
import { run } from "./program.ts";

export const CRYPTOGRAPHY = "python3:cryptography";

/** Arguments of the function that `do` names; bytes, numbers, and lists as JSON has them. */
export type Order = { do: "seal" | "unseal" | "cobblestone" | "peer" | "manifest" } & Record<string, Argument>;
type Argument = string | number | Uint8Array | readonly (readonly (string | number | null)[])[];

/** What each order gave, all by one process; an error is thrown. `library`: a folder for PYTHONPATH. */
export async function python(orders: readonly Order[], library?: string): Promise<Buffer[]> {
  const lines = orders.map((order) =>
    JSON.stringify(Object.fromEntries(Object.entries(order).map(([name, value]) => [name, encoded(value)]))),
  );
  const env: Record<string, string> = library === undefined ? {} : { PYTHONPATH: library };
  const command = [PYTHON, resolve(import.meta.dir, "s3crypt-v3.py")];
  const { status, stdout, stderr } = await run(command, { stdin: lines.join("\n"), env, patience: 60_000 });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const answer = JSON.parse(line) as { bytes?: string; error?: string };
      if (answer.bytes === undefined) throw new Error(answer.error);
      return Buffer.from(answer.bytes, "base64");
    });
}

function encoded(value: Argument): Exclude<Argument, Uint8Array> {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
