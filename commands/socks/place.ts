/** Whether one more request of a client is taken: as many as it may have open, and may make in a second. Decides no target. */
import type { Holder } from "../../lib/service/limits.ts";
import { clientAddress } from "./origin.ts";
import type { Asker } from "./passage.ts";
import { clientNetwork, type Proxy } from "./proxy.ts";

export interface NoPlace {
  readonly reason: "limit" | "rate";
  /** For the person at the client. */
  readonly message: string;
}

/** Nobody's, where nobody counts. */
const ANYBODY: Holder = { client: "", user: "" };

/** A place, to be given back to `proxy.places`, or why there is none. */
export function takePlace(proxy: Proxy, asker: Asker): Holder | NoPlace {
  if ((proxy.rate?.delay(clientNetwork(asker), performance.now()) ?? 0) > 0)
    return { reason: "rate", message: "too many requests, try again in a second" };
  const holder = holderOf(proxy, asker);
  if (proxy.places.take(holder, proxy.heldBesides)) return holder;
  return { reason: "limit", message: "too many connections" };
}

function holderOf({ settings: { limits } }: Proxy, asker: Asker): Holder {
  if (limits.perClient === 0 && limits.perUser === 0) return ANYBODY;
  const client = clientAddress(asker);
  return {
    // One name for all on UNIX sockets.
    client: "ip" in client ? client.ip : "unix",
    // No name of a password holds a colon.
    user: asker.user ?? (asker.origin?.peer === undefined ? "" : `subject:${asker.origin.peer.subject}`),
  };
}
