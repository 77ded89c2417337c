/** `[[route]]` tables: what they mean, and what is refused, with the name of the route. */
import { describe, expect, test } from "bun:test";
import { parseRoutes } from "../../../../commands/mux/route-settings.ts";
import { parsePlaces } from "../../../../commands/mux/settings.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import type { Config } from "../../../../lib/command/define.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { formatEndpoint } from "../../../../lib/net/endpoint.ts";

const OWN = { identity: { kind: "keystore", keystore: "own.pem" } as const, trust: { cacert: ["ca.pem"], crl: [] } };
const COMMAND = { meta: { name: "serve", tables: ["route", "identity", "trust"] }, args: {} } as never;

function configOf(text: string): Config {
  return { tables: parseConfig(text, "mux.toml", COMMAND).tables };
}

function one(text: string) {
  return parseRoutes(configOf(`[[route]]\n${text}`), OWN)[0]!;
}

function refused(text: string, own = OWN): string {
  try {
    parseRoutes(configOf(text), own as typeof OWN);
  } catch (error) {
    if (error instanceof PortailError) return error.message;
    throw error;
  }
  throw new Error("it is not refused");
}

describe("a route", () => {
  test("with its target alone passes what no other takes", () => {
    expect(one('target = "a.example:443"')).toMatchObject({
      name: "route-1",
      serverNames: [],
      protocolIds: [],
      firstBytes: [],
      listen: [],
      targets: [{ kind: "fixed", endpoint: { kind: "tcp", host: "a.example", port: 443 } }],
      termination: undefined,
      targetTls: undefined,
      proxyHeader: undefined,
      acl: undefined,
      most: Infinity,
    });
  });

  test("that ends TLS has the identity and trust of its tables, or of the flags", () => {
    const ended = 'target = "localhost:1"\nterminate = true\n';
    expect(one(ended).termination).toEqual({ clientCertificate: "off", rules: undefined, sources: OWN });
    const [named] = parseRoutes(
      configOf(
        `[identity.x]\nkeystore = "x.pem"\n[trust.y]\ncacert = "y.pem"\n[[route]]\n${ended}identity = "x"\ntrust = "y"\nclient-certificate = "required"\nallow-cn = "a"`,
      ),
      OWN,
    );
    expect(named!.termination).toMatchObject({
      clientCertificate: "required",
      rules: { empty: false },
      sources: { identity: { keystore: "x.pem" }, trust: { cacert: ["y.pem"], crl: [] } },
    });
  });

  test("whose target has a capture", () => {
    const { targets } = one('alpn = "auth@*"\nacl = "a.acl"\ntarget = "{capture}.auth.example:3025"');
    const [target] = targets;
    expect(target).toMatchObject({ kind: "template", port: 3025 });
    expect(target!.kind === "template" && target!.host.expand({ capture: "leaf" })).toBe("leaf.auth.example");
  });

  test("of PostgreSQL, in TLS again behind", () => {
    const keys = 'starttls = "postgres"\nterminate = true\ntarget-tls = true\ntarget-starttls = "postgres"\n';
    expect(one(`${keys}target = "db.example:5432"\ntarget-alpn = ["postgresql"]`)).toMatchObject({
      postgres: true,
      targetTls: { postgres: true, protocolIds: ["postgresql"], serverName: undefined },
    });
  });
});

test("the health of targets", () => {
  const health = 'target = "h:1"\nhealth = "connect"\n';
  expect(one('target = "h:1"\nhealth = "none"').health).toBeUndefined();
  expect(one(health).health).toEqual({ interval: 10_000, fall: 3, rise: 2 });
  const keys = 'health-interval = "1s"\nhealth-fall = 1\nhealth-rise = 7';
  expect(one(health + keys).health).toEqual({ interval: 1000, fall: 1, rise: 7 });
});

test("a route that refuses has no target", () => {
  expect(one('alpn = "x"\nrefuse = "not yet"')).toMatchObject({ refuse: "not yet", targets: [] });
});

describe("refused, with the name of the route:", () => {
  const ended = 'target = "localhost:1"\nterminate = true\n';
  test.each([
    ["a capture without an acl", 'alpn = "a@*"\ntarget = "{capture}:1"', "needs an acl"],
    ["a capture of an exact id", 'alpn = ["a@*", "b"]\nacl = "x"\ntarget = "{capture}:1"', "nothing to capture"],
    ["a capture of nothing", 'acl = "x"\ntarget = "{capture}:1"', "nothing to capture"],
    ["a capture of a port", 'alpn = "a@*"\nacl = "x"\ntarget = "h:{capture}"', "not an endpoint"],
    ["a capture of a path", 'alpn = "a@*"\nacl = "x"\ntarget = "unix:/run/{capture}"', "only be in a host"],
    ["another template", 'alpn = "a@*"\nacl = "x"\ntarget = "{host}:1"', "{host} is not known"],
    ["names without TLS", 'first-bytes = "ssh"\nserver-name = "a"\ntarget = "h:1"', "no server name"],
    ["an end of what is no TLS", `first-bytes = "ssh"\n${ended}`, '"terminate" needs TLS'],
    ["a certificate that is not seen", 'client-certificate = "required"\ntarget = "h:1"', 'needs "terminate"'],
    ["rules without an end", 'allow-cn = "a"\ntarget = "h:1"', 'needs "terminate"'],
    ["rules without certificates", `${ended}allow-cn = "a"`, "a certificate of every client"],
    ["certificates without rules", `${ended}client-certificate = "required"`, "which clients may connect"],
    ["an open way on", 'terminate = true\ntarget = "far.example:80"', "in the clear"],
    ["TLS in TLS", 'target-tls = true\ntarget = "h:1"', 'needs "terminate"'],
    ["a name for no TLS", 'target-server-name = "a"\ntarget = "h:1"', 'needs "target-tls"'],
    ["ids for no TLS", 'target-alpn = "a"\ntarget = "h:1"', 'needs "target-tls"'],
    ["a table that is not there", `${ended}identity = "nobody"`, "[identity.nobody]"],
    ["a target of no port", 'target = "h:0"', "cannot be connected to"],
    ["a refusal that leads somewhere", 'refuse = "no"\ntarget = "h:1"', '"refuse" and "target" exclude'],
    ["a refusal that ends TLS", 'refuse = "no"\nterminate = true', '"refuse" and "terminate" exclude'],
    ["no target", 'server-name = "a"', "there is no target"],
    ["rules without checks", 'target = "h:1"\nhealth-fall = 2', "for health, which is none"],
    ["checks too often", 'target = "h:1"\nhealth = "connect"\nhealth-interval = "10ms"', "health-interval"],
    ["checks of nothing", 'alpn = "a@*"\nacl = "x"\ntarget = "{capture}:1"\nhealth = "connect"', "to be checked"],
    ["a bad name", 'server-name = "a..b"\ntarget = "h:1"', '"a..b" is not a server name'],
    ["a bad pattern", 'server-name-regex = "("\ntarget = "h:1"', "is not a pattern"],
  ])("%s", (_, keys, message) => {
    const said = refused(`[[route]]\nname = "the one"\n${keys}`);
    expect(said).toContain('[[route]] "the one": ');
    expect(said).toContain(message);
  });

  test("two of one name, and an end without an identity", () => {
    const twice = '[[route]]\nname = "x"\ntarget = "h:1"\n[[route]]\nname = "x"\ntarget = "h:2"';
    expect(refused(twice)).toContain('[[route]] "x": it is there twice');
    const bare = { identity: undefined, trust: OWN.trust } as never;
    expect(refused(`[[route]]\n${ended}`, bare)).toContain("there is no certificate to present");
  });
});

describe("places", () => {
  const places = (listen: string[], text: string) => parsePlaces({ listen, config: undefined }, configOf(text));
  const routes =
    '[[route]]\nname = "a"\ntarget = "h:1"\n[[route]]\nname = "b"\nfirst-bytes = "ssh"\nlisten = ["127.0.0.1:2", ":3"]\ntarget = "h:1"\n';

  test("a route with a listen of its own is nowhere else", () => {
    const found = places(["127.0.0.1:1", ":3"], routes);
    expect(found.map((place) => [formatEndpoint(place.endpoint), place.routes.map(({ name }) => name)])).toEqual([
      ["127.0.0.1:1", ["a"]],
      ["[::]:3", ["a", "b"]],
      ["127.0.0.1:2", ["b"]],
    ]);
  });

  test.each([
    ["no listener for a route", [], routes, "--listen is required"],
    ["no route for a listener", [":1"], '[[route]]\nlisten = ":2"\ntarget = "h:1"', "no route takes clients at"],
    ["no route", [":1"], "", "there is no route"],
  ])("refused: %s", (_, listen, text, message) => {
    expect(() => places(listen as string[], text)).toThrow(message);
  });
});
