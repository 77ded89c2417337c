/** The thread that carries what passes a multiplexer as it is: decides by the client's hello, as the sessions do. */
import type { Decision, Guide } from "../../lib/net/carrier/carried.ts";
import { encodeAddress } from "../../lib/net/carrier/sockaddr.ts";
import { serveCarrier } from "../../lib/net/carrier/thread.ts";
import { HelloRecords } from "../../lib/wire/hello-records.ts";
import type { PassingWays } from "./passing.ts";
import { RouteTable } from "./routes/table.ts";

function compile(ways: unknown): Guide {
  const { routes, helloLimit } = ways as PassingWays;
  const table = new RouteTable(routes);
  const addresses = new Map(routes.map(({ number, target }) => [number, target && encodeAddress(target)]));
  const decide = (opening: Uint8Array): Decision => {
    const hello = new HelloRecords(helloLimit).read(opening);
    if (hello.kind === "more") return "more";
    // Of what is wrong with one the sessions know more.
    if (hello.kind !== "ok") return undefined;
    const choice = table.routeHello(hello.value, "tls");
    if (choice.kind !== "route") return undefined;
    const { number } = choice.route;
    const address = addresses.get(number);
    if (address === undefined) return undefined;
    const { serverName, protocolIds } = hello.value;
    return { address, number, said: { serverName, protocolIds } };
  };
  return { by: "opening", decide };
}

serveCarrier(compile);
