/** What log, audit and status are told of a connection that a carrier carries for a route. */
import { formatAddress } from "../../lib/net/conn.ts";
import type { Tell } from "../../lib/service/carried-sessions.ts";
import { UNASKED } from "./back.ts";
import type { Mux } from "./mux.ts";
import { passingAddress } from "./passing.ts";
import { recordClosed, recordOpened, type Recordable } from "./record.ts";
import type { Route } from "./route.ts";

export function storyOf(mux: Mux, route: Route): Tell {
  return (sides, started, { client, said }) => {
    const target = route.targetText;
    const record: Recordable = {
      session: mux.nextSession(),
      started,
      client,
      hello: said,
      arrival: { route },
      front: { conn: sides.client, peer: undefined },
      back: { conn: sides.target, text: target, address: passingAddress(route) },
      target,
      authorised: UNASKED,
    };
    return {
      described: { who: "", client: formatAddress(client), target, route: route.name },
      opened: () => recordOpened(mux, record),
      closed: (began, result) => recordClosed(mux, { ...record, started: began }, result),
    };
  };
}
