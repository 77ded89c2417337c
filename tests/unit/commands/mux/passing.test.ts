/** Which listeners are left to a carrier: those of whose TLS all passes as it is, each route to one address, and nothing else is asked for. */
import { describe, expect, test } from "bun:test";
import { noWays, passingAddress, passingWays } from "../../../../commands/mux/passing.ts";
import { MuxMetrics } from "../../../../commands/mux/metrics.ts";
import { Route } from "../../../../commands/mux/route.ts";
import { RouteTable } from "../../../../commands/mux/routes/table.ts";
import { NO_LIMIT, parsePlaces, type MuxSettings } from "../../../../commands/mux/settings.ts";
import { parseConfig } from "../../../../lib/command/config.ts";

const COMMAND = { meta: { name: "serve", tables: ["route"] }, args: {} } as never;
const SETTINGS = { acceptProxyFrom: undefined, helloLimit: 4096, most: NO_LIMIT } as MuxSettings;
const PLAIN = 'server-name = "a.example"\ntarget = "192.0.2.1:443"';

function load(tables: readonly string[], listen = "127.0.0.1:1") {
  const text = tables.map((one, i) => `[[route]]\nname = "r${i}"\n${one}\n`).join("");
  const config = { tables: parseConfig(text, "mux.toml", COMMAND).tables };
  const given = { listen: [listen], keystore: "own.pem", cacert: [], crl: [] };
  const [place] = parsePlaces(given as never, config as never);
  const metrics = new MuxMetrics();
  const none = { front: undefined, back: undefined, policy: undefined };
  const routes = place!.routes.map((one) => new Route(one, none, metrics.of(one.name), {} as never));
  return { endpoint: place!.endpoint, routes, table: new RouteTable(routes) };
}

const ways = (tables: readonly string[], settings = SETTINGS, listen?: string) =>
  passingWays(load(tables, listen), settings, ({ name }) => Number(name.slice(1)) + 7);

describe("a listener qualifies", () => {
  test("where each route passes TLS to one address, which can be cloned", () => {
    const found = ways([PLAIN, 'alpn = ["x-*"]\ntarget = "[2001:db8::1]:8443"']);
    expect(structuredClone(found)).toMatchObject({
      helloLimit: 4096,
      routes: [
        { name: "r0", number: 7, serverNames: [{ kind: "exact", name: "a.example" }], target: { port: 443 } },
        { name: "r1", number: 8, target: { port: 8443 } },
      ],
    });
    expect(found!.routes.map(({ target }) => target!.ip.family)).toEqual([4, 6]);
  });

  test("also beside clients without TLS, whom sessions see to", () => {
    const found = ways([PLAIN, 'first-bytes = ["ssh"]\ntarget = "localhost:22"']);
    expect(found!.routes.map(({ target }) => target !== undefined)).toEqual([true, false]);
  });

  test("and its targets are recorded as they are dialled", () => {
    expect(passingAddress(load([PLAIN]).routes[0]!)).toEqual({ ip: "192.0.2.1", port: 443 });
  });
});

const OWN = 'server-name = "b.example"\ntarget = "192.0.2.1:1"\n';

describe("a listener does not qualify for a route", () => {
  test.each([
    ["that ends TLS", 'server-name = "b.example"\nterminate = true\ntarget = "127.0.0.1:1"'],
    ["with a name as target", 'server-name = "b.example"\ntarget = "localhost:1"'],
    ["with a UNIX socket as target", 'server-name = "b.example"\ntarget = "unix:/run/x"'],
    ["with two targets", 'server-name = "b.example"\ntarget = ["192.0.2.1:1", "192.0.2.2:1"]'],
    ["with a policy", `${OWN}acl = "a.acl"`],
    ["that announces its clients", `${OWN}proxy-protocol = true`],
    ["that is limited", `${OWN}max-concurrent-conns = 3`],
    ["that is checked", `${OWN}health = "connect"`],
    ["that refuses", 'server-name = "b.example"\nrefuse = "no"'],
    ["of PostgreSQL", `${OWN}starttls = "postgres"`],
    ["with a pattern for names", 'server-name-regex = "b[0-9]+"\ntarget = "192.0.2.1:1"'],
    ["with a pattern for first bytes", 'first-bytes-regex = "b"\ntarget = "192.0.2.1:1"'],
    ["for who is silent", 'first-bytes = ["silent"]\ntarget = "192.0.2.1:1"'],
  ])("%s", (_, table) => {
    expect(ways([PLAIN])).toBeDefined();
    expect(ways([PLAIN, table])).toBeUndefined();
  });

  test("unless there is one that speaks TLS", () => {
    expect(ways(['first-bytes = ["ssh"]\ntarget = "192.0.2.1:1"'])).toBeUndefined();
  });
});

test.each([
  ["PROXY headers", { acceptProxyFrom: {} as never }],
  ["a limit of connections", { most: NO_LIMIT - 1 }],
])("a listener does not qualify with %s", (_, setting) => {
  expect(ways([PLAIN], { ...SETTINGS, ...setting })).toBeUndefined();
});

test.each(["unix:/run/a", "systemd:a", "fd:3"])("a listener does not qualify at %s", (listen) => {
  expect(ways([PLAIN], SETTINGS, listen)).toBeUndefined();
});

test("with no ways at all no client is led anywhere", () => {
  expect(noWays(SETTINGS)).toEqual({ routes: [], helloLimit: 4096 });
});
