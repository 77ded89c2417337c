/** psycopg with a libpq of its own, newer than Debian's: TLS at once, and cancellations over TLS. Asserts nothing. */
import { run, type Outcome } from "./program.ts";
import { PYTHON, pythonLibrary } from "./python-library.ts";

/** Its wheel holds libpq 18. */
const VERSION = "3.3.9";

/** Where its library is; the first time it is fetched. */
export function psycopgLibrary(): Promise<string> {
  return pythonLibrary("psycopg[binary]", VERSION);
}

/** Runs a script of Python that may import it; `args` are what it is given. */
export async function psycopg(script: string, ...args: string[]): Promise<Outcome> {
  return run([PYTHON, "-c", script, ...args], { env: { PYTHONPATH: await psycopgLibrary() } });
}
