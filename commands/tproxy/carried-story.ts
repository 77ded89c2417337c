/** What log and status are told of a connection that a carrier carries. */
import { formatAddress } from "../../lib/net/conn.ts";
import type { Tell } from "../../lib/service/carried-sessions.ts";
import type { LearnedWay } from "./captured-lane.ts";
import { recordClosed, recordOpened, type Recordable } from "./record.ts";
import type { Tproxy } from "./tproxy.ts";

export function storyOf(tproxy: Tproxy, way: LearnedWay): Tell {
  return (sides, started, { client: remote }) => {
    const { destination, route, host, target } = way.arrival;
    const record: Recordable = {
      session: tproxy.nextSession(),
      started,
      remote,
      destination,
      client: undefined,
      arrival: { route, host, target, conn: sides.client },
      back: { conn: sides.target, address: way.target },
      decision: undefined,
      facts: {},
    };
    return {
      described: { who: "", client: formatAddress(remote), target: `${host}:${target.port}`, route: route.name },
      opened: () => recordOpened(tproxy, record),
      closed: (began, result) => recordClosed(tproxy, { ...record, started: began }, result),
    };
  };
}
