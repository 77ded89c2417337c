/** The preset of Teleport's names (RFD 39, and Teleport's tests of routing): each client goes where RFD 39 says. */
import { describe, expect, test } from "bun:test";
import preset from "../../../../commands/mux/preset.ts";
import { presetRoutes } from "../../../../commands/mux/route-preset.ts";
import { RouteTable } from "../../../../commands/mux/routes/table.ts";
import { parsePlaces } from "../../../../commands/mux/settings.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import type { Config } from "../../../../lib/command/define.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { formatEndpoint } from "../../../../lib/net/endpoint.ts";

const COMMAND = { meta: { name: "serve", tables: ["route", "preset", "identity", "trust"] }, args: {} } as never;
const PROXY = "proxy.example";
const configOf = (text: string): Config => ({ tables: parseConfig(text, "mux.toml", COMMAND).tables });
const GIVEN = { keystore: "own.pem", listen: [":443"] };
const placesOf = (text: string, given: { preset?: string; "preset-target"?: string[] } = {}) =>
  parsePlaces({ ...GIVEN, ...given }, configOf(text), "show");
const listensAt = (text: string) => placesOf(text).map(({ endpoint }) => formatEndpoint(endpoint));

const { routes } = placesOf("", { preset: "teleport" })[0]!;
const table = new RouteTable(routes);

function to(serverName: string | undefined, ...protocolIds: string[]): string {
  const asked = { serverName, protocolIds: protocolIds.length === 0 ? undefined : protocolIds };
  const choice = table.routeHello(asked, "tls");
  if (choice.kind === "refused") return choice.code;
  const { route, capture } = choice;
  return [route.refuse === undefined ? "" : "refused by", route.name, capture].filter(Boolean).join(" ");
}

test.each([
  ["R2", PROXY, ["teleport-proxy-ssh"], "teleport-ssh"],
  ["R3", PROXY, ["teleport-reversetunnel"], "teleport-reverse-tunnel"],
  ["R4", PROXY, ["teleport-postgres"], "teleport-postgres"],
  ["R5", PROXY, ["teleport-mysql"], "teleport-mysql"],
  ["R5, with the server's version", PROXY, ["teleport-mysql-OC4wLjM0"], "teleport-mysql"],
  ["R6", PROXY, ["teleport-mongodb"], "teleport-mongodb"],
  ["R7", PROXY, ["http/1.1"], "teleport-web"],
  ["R7", PROXY, ["h2"], "teleport-web"],
  ["R7, without protocol ids", PROXY, [], "teleport-web"],
  ["R7, without a name", undefined, ["h2"], "teleport-web"],
  ["R8", PROXY, ["teleport-auth@leaf-1"], "teleport-auth leaf-1"],
  ["R8, and no cluster", PROXY, ["teleport-auth@"], "bad_capture"],
  ["R8, and an address", PROXY, ["teleport-auth@10.0.0.1"], "bad_capture"],
  ["R9: the name comes before the id", `kube-teleport-proxy-alpn.${PROXY}`, ["h2", "http/1.1"], "teleport-kube"],
  ["R9", `kube-teleport-proxy-alpn.${PROXY}`, ["teleport-proxy-ssh"], "teleport-kube"],
  ["R9", `kube-teleport-proxy-alpn.${PROXY}`, [], "teleport-kube"],
  ["an application whose name begins alike", `kubeapp.${PROXY}`, ["h2"], "teleport-web"],
  ["another", `kubernetes.${PROXY}`, ["http/1.1"], "teleport-web"],
  ["the name within another", `x.kube-teleport-proxy-alpn.${PROXY}`, [], "teleport-web"],
  ["the last of several", PROXY, ["unknown-1", "unknown-2", "teleport-proxy-ssh"], "teleport-ssh"],
  ["R20: curl", "app.proxy.example", ["h2", "http/1.1"], "teleport-web"],
  ["nothing that is known", PROXY, ["unknown"], "no_application_protocol"],
  ["no framing of -ping", PROXY, ["teleport-postgres-ping"], "refused by teleport-later"],
  ["nor where a version might stand", PROXY, ["teleport-mysql-ping"], "refused by teleport-later"],
  ["but without it, as Teleport offers both", PROXY, ["teleport-mysql-ping", "teleport-mysql"], "teleport-mysql"],
  ["no reverse tunnels of the second kind", PROXY, ["teleport-reversetunnelv2"], "refused by teleport-later"],
  ["what has no target", PROXY, ["teleport-redis"], "no_application_protocol"],
])("%s: %s %j", (_, name, ids, expected) => expect(to(name, ...ids)).toBe(expected));

test("who asks for certificates goes past everything, also past names of their own", () => {
  const own = '[[route]]\nserver-name = "own.example"\ntarget = "h:1"\n';
  const [place] = placesOf(own, { preset: "teleport", "preset-target": ["web=localhost:1", "acme=localhost:2"] });
  const asked = { serverName: "own.example", protocolIds: ["acme-tls/1"] };
  const choice = new RouteTable(place!.routes).routeHello(asked, "tls");
  expect(choice).toMatchObject({ kind: "route", route: { name: "teleport-acme", termination: undefined } });
});

test("checks are for all targets whose place is known", () => {
  const auth = 'auth = "{capture}.a.example:1"\nauth-acl = "a.acl"\n';
  const [place] = placesOf(`[preset.teleport]\nweb = "localhost:1"\nhealth = "connect"\n${auth}`);
  const checked = place!.routes.filter(({ health }) => health !== undefined).map(({ name }) => name);
  expect(checked).toEqual(["teleport-web"]);
});

test("R21: clients of before come by their first bytes, and PostgreSQL's by their request", () => {
  expect(table.routeFirstBytes({ name: "ssh" })?.name).toBe("teleport-plain-ssh");
  expect(table.routeFirstBytes({ name: "postgres-cancel" })?.name).toBe("teleport-postgres-cancel");
  expect(table.routeFirstBytes({ name: "http" })).toBeUndefined();
  const choice = table.routeHello({ serverName: PROXY, protocolIds: undefined }, "postgres");
  expect(choice).toMatchObject({ kind: "route", route: { name: "teleport-plain-postgres", termination: undefined } });
});

const FULL =
  '[preset.teleport]\nweb = "localhost:1"\nssh = "localhost:2"\nmysql = "localhost:3"\nkube = "localhost:4"\n';

test("R22: version 1 keeps the legacy listeners of what there is, version 2 those with an address", () => {
  expect(listensAt(FULL)).toEqual(["[::]:443"]);
  expect(listensAt(`${FULL}version = 2`)).toEqual(["[::]:443"]);
  expect(listensAt(`${FULL}version = 2\nssh-listen = "localhost:5"`)).toEqual(["[::]:443", "localhost:5"]);
  expect(listensAt(`${FULL}version = 1\nssh-listen = "localhost:5"`)).toEqual([
    "[::]:443",
    "localhost:5",
    "[::]:3026",
    "[::]:3036",
  ]);
  const shell = placesOf(`${FULL}version = 1`).find(({ endpoint }) => formatEndpoint(endpoint) === "[::]:3023")!;
  expect(shell.routes).toMatchObject([{ firstBytes: ["ssh"], targets: [{ endpoint: { port: 2 } }] }]);
});

describe("targets", () => {
  const names = (text: string, ...flags: string[]) =>
    placesOf(text, { preset: "teleport", "preset-target": flags })[0]!.routes.map(({ name }) => name);

  test("there are routes for what has one, and kube's names never lead to web", () => {
    const own = '[[route]]\nname = "own"\nserver-name = "own.example"\ntarget = "h:1"\n';
    expect(names(own, "web=localhost:1")).toEqual(["own", "teleport-kube", "teleport-web", "teleport-later"]);
    const [kube] = placesOf("", { preset: "teleport", "preset-target": ["web=localhost:1"] })[0]!.routes;
    expect(kube).toMatchObject({ name: "teleport-kube", refuse: "there is no target for kube" });
  });

  test("a flag counts more than the table, and repeated it is tried in order", () => {
    const flags = ["web=localhost:7", "web=localhost:8"];
    const places = placesOf('[preset.teleport]\nweb = "localhost:1"', { "preset-target": flags });
    const web = places[0]!.routes.find(({ name }) => name === "teleport-web");
    expect(web).toMatchObject({ targets: [{ endpoint: { port: 7 } }, { endpoint: { port: 8 } }] });
  });

  test.each([
    ["", ["ssh=localhost:1"], "there is no target for web"],
    ["", ["wep=localhost:1"], "names no target of the preset"],
    ["", ["web"], "names no target of the preset"],
    ['[preset.teleport]\nweb = "localhost:1"\nauth = "{capture}.a:1"', [], "auth with {capture} needs auth-acl"],
    ['[preset.teleport]\nweb = "localhost:1"\nssh-listen = ":1"', [], "ssh-listen needs ssh"],
    ['[preset.teleport]\nweb = "localhost:1"\nversion = 3', [], '"3"'],
    ['[preset.teleport]\nweb = "far.example:1"', [], "beyond this host"],
    ['[preset.other]\nweb = "localhost:1"', [], "there is no such preset"],
  ])("refused: %j %j", (text, flags, message) => {
    expect(() => placesOf(text, { preset: "teleport", "preset-target": flags })).toThrow(message);
  });

  test("they are missed where they are to be served", () => {
    const serve = () => parsePlaces({ ...GIVEN, preset: "teleport" }, configOf(""));
    expect(serve).toThrow(PortailError);
    expect(serve).toThrow("there is no target for web");
    expect(() => placesOf("", { "preset-target": ["web=localhost:1"] })).toThrow("--preset-target needs --preset");
  });
});

test("what is printed is what is served", async () => {
  let printed = "";
  const data = { stdout: { write: (text: string) => void (printed += text) } };
  const text = `${FULL}version = 1\npostgres = "localhost:6"\npostgres-listen = "localhost:7"`;
  await preset.citty.run!({
    data: { args: { name: "teleport", "preset-target": [] }, data, config: configOf(text) },
  } as never);
  expect(presetRoutes({}, configOf(text), "serve").length).toBeGreaterThan(10);
  expect(JSON.stringify(placesOf(printed))).toBe(JSON.stringify(placesOf(text)));
  expect(printed).toContain("# The name decides before the protocol id");
});
