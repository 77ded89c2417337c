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
      for (const open of proxy.open) for (const state of open.describe()) yield connectionOf(state);
    },
  };
}

function connectionOf({ asker, asked, state, passage }: OpenState): OpenConnection {
  const { sent = 0, received = 0 } = passage?.upstream ?? {};
  return {
    started: passage?.started,
    sent,
    received,
    describe() {
      const { policy, backend } = passage?.describe() ?? {};
      const way = [policy, backend].filter((name) => name !== undefined);
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
