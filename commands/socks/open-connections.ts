/** What is open in the access proxy, for its status page: a line for each request, or for a client that has made none. */
import { formatAddress } from "../../lib/net/conn.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { OpenConnection } from "../../lib/status/connections.ts";
import type { OpenConnections } from "../../lib/status/status-page.ts";
import { clientAddress } from "./origin.ts";
import type { OpenState, Proxy } from "./proxy.ts";

export function openConnections(proxy: Proxy): OpenConnections {
  return {
    total: proxy.open.size,
    *[Symbol.iterator]() {
      const now = performance.now();
      for (const open of proxy.open) for (const state of open.describe()) yield connectionOf(state, now);
    },
  };
}

function connectionOf(open: OpenState, now: number): OpenConnection {
  const passage = open.passage?.describe();
  const { sent = 0, received = 0 } = passage ?? {};
  return {
    started: passage === undefined ? undefined : now - passage.age,
    sent,
    received,
    describe() {
      const { asker, asked, state } = open;
      const way = [passage?.policy, passage?.backend].filter((name) => name !== undefined);
      return {
        who: asker.user ?? asker.origin?.peer?.subject ?? "",
        client: formatAddress(clientAddress(asker)),
        target: asked === undefined ? "" : formatHostPort(asked.host, asked.port),
        route: way.join(", by "),
        state: asked === undefined ? state : `${state}, ${asked.protocol}`,
      };
    },
  };
}
