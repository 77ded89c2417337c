/** The thread that carries captured connections as they are: leads those whose way it was told of a moment ago. */
import { AF_INET, type Guide, type Way } from "../../lib/net/carrier/carried.ts";
import { addressOf, encodeAddress } from "../../lib/net/carrier/sockaddr.ts";
import { serveCarrier } from "../../lib/net/carrier/thread.ts";
import { beginDialogue } from "../../lib/session/proxy-dialogue.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { CapturedWays } from "./captured-lane.ts";

/** Of all places, by destination. */
const known = new Map<Key, { way: Way; until: number }>();

/** What tells one destination from all others: of IPv4 a number, which costs no text for each client that comes. */
type Key = number | string;

function keyOf(sockaddr: Uint8Array): Key {
  if (sockaddr[0] !== AF_INET) return formatAddress(addressOf(sockaddr));
  let key = 0;
  for (let i = 2; i < 8; i++) key = key * 256 + sockaddr[i]!;
  return key;
}

const SAID = { serverName: undefined, protocolIds: undefined };

function decide(destination: Uint8Array): Way | undefined {
  const found = known.get(keyOf(destination));
  return found !== undefined && performance.now() < found.until ? found.way : undefined;
}

function change({ gone, learned }: CapturedWays): Guide {
  for (const destination of gone) known.delete(keyOf(sockaddrOf(destination)));
  for (const { destination, number, target, through, goodFor } of learned) {
    known.set(keyOf(sockaddrOf(destination)), {
      way: { address: sockaddrOf(target), number, said: SAID, preface: through && (() => beginDialogue(through)) },
      until: performance.now() + goodFor,
    });
  }
  return { by: "destination", decide };
}

function sockaddrOf({ ip, port }: TcpAddress): Uint8Array {
  return encodeAddress({ ip: parseIp(ip)!, port });
}

serveCarrier((ways) => change(ways as CapturedWays));
