/** What a client of PostgreSQL says first once its TLS has ended here: a cancellation (libpq encrypts them from 17 on) is for the session whose key it has. */
import { runPreface } from "../../lib/net/preface.ts";
import { StartupReader } from "../../lib/session/postgres-cancel.ts";
import type { Front } from "./front.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import type { Arrival, SniffRules } from "./sniff.ts";

/** Notes in `arrival` where a cancellation goes. A key that no session has is for the route's target, as everything else. */
export async function readStartup(
  arrival: Arrival<Route>,
  front: Front,
  { deadlines, cancellation }: SniffRules,
): Promise<Refusal | undefined> {
  const outcome = await runPreface(front.conn, new StartupReader(), deadlines, front.early);
  if (!outcome.ok && outcome.code === "timeout")
    return new Refusal("handshake", "hello_timeout", "the client's first message took too long");
  if (!outcome.ok) return new Refusal("handshake", "client_gone", outcome.reason);
  front.early = outcome.early;
  const found = outcome.value === undefined ? undefined : cancellation(outcome.value);
  if (found !== undefined) arrival.cancel = found.cancel;
  return undefined;
}
