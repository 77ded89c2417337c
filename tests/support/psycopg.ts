/** psycopg with a libpq of its own, newer than Debian's: TLS at once, and cancellations over TLS. Asserts nothing. */
import { run, type Outcome } from "./program.ts";
import { PYTHON, pythonLibrary } from "./python-library.ts";

/** Its wheel holds libpq 18. */
const VERSION = "3.3.9";

/** A script: it sleeps on argv[1], is seen there by argv[2], cancels by the method argv[3], and says what came of it. */
export const CANCEL = `
import psycopg, sys, threading
with psycopg.connect(sys.argv[1], autocommit=True) as session, psycopg.connect(sys.argv[2], autocommit=True) as watch:
    running = "select count(*) from pg_stat_activity where pid = %s and query like '%%sleep%%' and state = 'active'"
    def cancel():
        while watch.execute(running, [session.info.backend_pid]).fetchone()[0] == 0: pass
        getattr(session, sys.argv[3])()
    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        session.execute("select pg_sleep(20)")
    except psycopg.errors.QueryCanceled as error:
        print(error)
    thread.join()
`;

/** Where its library is; the first time it is fetched. */
export function psycopgLibrary(): Promise<string> {
  return pythonLibrary("psycopg[binary]", VERSION);
}

/** Runs a script of Python that may import it; `args` are what it is given. */
export async function psycopg(script: string, ...args: string[]): Promise<Outcome> {
  return run([PYTHON, "-c", script, ...args], { env: { PYTHONPATH: await psycopgLibrary() } });
}
