/** The thread that carries captured connections as they are: leads those whose way it was told of a moment ago. */
import type { Guide, Way } from "../../lib/net/carrier/carried.ts";
import { addressOf, encodeAddress } from "../../lib/net/carrier/sockaddr.ts";
import { serveCarrier } from "../../lib/net/carrier/thread.ts";
import { beginDialogue } from "../../lib/session/proxy-dialogue.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { CapturedWays } from "./captured-lane.ts";

/** Of all places, by destination. */
const known = new Map<string, { way: Way; until: number }>();

const SAID = { serverName: undefined, protocolIds: undefined };

function decide(destination: Uint8Array): Way | undefined {
  const found = known.get(formatAddress(addressOf(destination)));
  return found !== undefined && performance.now() < found.until ? found.way : undefined;
}

function change({ gone, learned }: CapturedWays): Guide {
  for (const destination of gone) known.delete(destination);
  for (const { destination, number, target, through, goodFor } of learned) {
    const address = encodeAddress({ ip: parseIp(target.ip)!, port: target.port });
    known.set(destination, {
      way: { address, number, said: SAID, preface: through && (() => beginDialogue(through)) },
      until: performance.now() + goodFor,
    });
  }
  return { by: "destination", decide };
}

serveCarrier((ways) => change(ways as CapturedWays));
