/** `[[tunnel]]` tables: what each tunnel has of its own, what it inherits, and what is refused with its name. Opens nothing. */
import { describe, expect, test } from "bun:test";
import { clientArgs, serverArgs } from "../../../../commands/tunnel/flags.ts";
import { parseClientProcess, parseServerProcess } from "../../../../commands/tunnel/process.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import type { ArgDefinitions, ParsedArgs } from "../../../../lib/command/define.ts";
import { refusal } from "../../lib/identity/refusal.ts";

const META = {
  name: "server",
  description: "",
  examples: [],
  exits: [],
  tables: ["tunnel", "identity", "trust"] as const,
};

function parsed<A extends ArgDefinitions>(args: A, toml: string, line: string) {
  const { values, tables } = parseConfig(toml, "t.toml", { meta: META, args });
  const given = completeArgs(args, vetArgv(line.split(" ").filter(Boolean), args), values) as ParsedArgs<A>;
  return { given, config: { tables } };
}

function server(toml: string, line = "") {
  const { given, config } = parsed(serverArgs, toml, line);
  return parseServerProcess(given, config).tunnels;
}

function client(toml: string, line = "") {
  const { given, config } = parsed(clientArgs, toml, line);
  return parseClientProcess(given, config, false).tunnels;
}

const TOP = 'cert = "c"\nkey = "k"\ncacert = "ca"\ntarget = "localhost:1"\n';
const OWN = 'listen = ":1"\nallow-all = true\n';

describe("several tunnels in one process", () => {
  test("each has what its table says, over what the file and the command line say", () => {
    const [db, web] = server(
      `${TOP}acl = "top.acl"\n[[tunnel]]\nname = "db"\nlisten = ":1"\nallow-ou = ["dba"]\n` +
        '[[tunnel]]\nname = "web"\nlisten = [":2", "unix:/w"]\ntarget = "unix:/t"\nallow_all = true\nacl = "web.acl"\n',
      "--alpn h2 --max-concurrent-conns 9",
    );
    const both = { protocolIds: ["h2"], most: 9 };
    expect(db!.settings).toMatchObject({
      name: "db",
      acl: "top.acl",
      targets: [{ port: 1 }],
      listen: [{ port: 1 }],
      ...both,
    });
    expect(web!.settings).toMatchObject({ name: "web", acl: "web.acl", targets: [{ path: "/t" }], ...both });
    expect([db!.settings.rules?.all, web!.settings.rules?.all]).toEqual([false, true]);
    expect(web!.settings.listen).toHaveLength(2);
  });

  test("one without a name is called by its number", () => {
    const tunnels = server(`${TOP}[[tunnel]]\n${OWN}[[tunnel]]\nname = "x"\n${OWN}[[tunnel]]\n${OWN}`);
    expect(tunnels.map(({ settings }) => settings.name)).toEqual(["tunnel-1", "x", "tunnel-3"]);
  });

  test("a table may say no to what it inherits", () => {
    const [open, closed] = server(
      `${TOP}disable-authentication = true\nalpn = ["h2"]\nproxy-protocol = true\n[[tunnel]]\nlisten = ":1"\n` +
        `[[tunnel]]\ndisable-authentication = false\nalpn = []\nproxy-protocol = false\n${OWN}`,
    );
    expect(open!.settings).toMatchObject({ authenticate: false, protocolIds: ["h2"], proxyHeader: "conn" });
    expect(closed!.settings).toMatchObject({ authenticate: true, protocolIds: [], proxyHeader: undefined });
    const refused = refusal(() => server(`${TOP}allow-all = true\n[[tunnel]]\nlisten = ":1"\nallow-all = false\n`));
    expect(refused).toMatchObject({ code: "tunnel.no_access_rule", exit: 78 });
  });

  test("a client's tunnels have their own servers, names and proxies", () => {
    const [one, two] = client(
      `${TOP}[[tunnel]]\nlisten = "unix:/1"\ntarget = "a.example:1"\nproxy = "socks5://127.0.0.1"\n` +
        '[[tunnel]]\nlisten = "unix:/2"\ntarget = "b.example:1"\noverride-server-name = "c.example"\nverify-cn = "c"\n',
    );
    expect(one!.settings).toMatchObject({
      targets: [{ host: "a.example" }],
      serverName: undefined,
      proxy: { port: 1080 },
    });
    expect(two!.settings).toMatchObject({ serverName: "c.example", proxy: undefined, rules: { prefix: "verify" } });
    expect(one!.settings.rules).toBeUndefined();
  });
});

describe("identity and trust by name", () => {
  const TABLES =
    '[identity.a]\ncert = "a.pem"\nkey = "a.key"\n[identity.b]\nkeystore = "b.p12"\nstorepass-file = "b.pass"\n' +
    '[trust.t]\ncacert = ["t.pem", "u.pem"]\ncrl = "t.crl"\n';

  test("a tunnel has those that it names, and else those of the flags", () => {
    const [a, b, flags] = server(
      `${TOP}${TABLES}[[tunnel]]\n${OWN}identity = "a"\n[[tunnel]]\n${OWN}identity = "b"\ntrust = "t"\n[[tunnel]]\n${OWN}`,
    );
    expect(a!.from.sources).toMatchObject({
      identity: { cert: "a.pem", key: "a.key" },
      trust: { cacert: ["ca"], crl: [] },
    });
    expect(b!.from.sources).toMatchObject({
      identity: { kind: "keystore", keystore: "b.p12" },
      trust: { cacert: ["t.pem", "u.pem"], crl: ["t.crl"] },
    });
    expect(flags!.from.sources).toMatchObject({ identity: { cert: "c", key: "k" }, trust: { cacert: ["ca"] } });
  });

  test("flags need not say any when all tunnels do", () => {
    const [only] = server(`${TABLES}[[tunnel]]\n${OWN}target = "localhost:1"\nidentity = "a"\ntrust = "t"\n`);
    expect(only!.from.sources.identity).toMatchObject({ cert: "a.pem" });
  });

  test.each([
    ['identity = "x"', "config.tunnel", "there is no table [identity.x]", "there are a, b"],
    ['trust = "toString"', "config.tunnel", "there is no table [trust.toString]", "there are t"],
  ])("%s is refused", (line, code, message, hint) => {
    const refused = refusal(() => server(`${TOP}${TABLES}[[tunnel]]\nname = "db"\n${OWN}${line}\n`));
    expect(refused).toMatchObject({ code, exit: 78, message: `[[tunnel]] "db": ${message}`, hint });
  });

  test("half an identity is refused with the tunnel's name", () => {
    const refused = refusal(() =>
      server(`[identity.a]\ncert = "a"\n[[tunnel]]\nname = "db"\n${OWN}target = ":1"\nidentity = "a"\n`),
    );
    expect(refused.message).toStartWith('[[tunnel]] "db": ');
  });
});

describe("what is wrong with a table is told with its name", () => {
  test.each([
    ["a name that is there twice", 'name = "a"\n', 'name = "a"\n', "config.tunnel", '[[tunnel]] "a" is there twice'],
    ["a name that a number has", "", 'name = "tunnel-1"\n', "config.tunnel", '[[tunnel]] "tunnel-1" is there twice'],
    ["a key of a client", "", "unsafe-listen = true\n", "config.tunnel", '"unsafe-listen" is not for a server'],
    [
      "a key of a client that says no",
      "",
      "unsafe-listen = false\n",
      "config.tunnel",
      '"unsafe-listen" is not for a server',
    ],
    ["a value", "", 'name = "b"\nalpn = ""\n', "usage.value", '[[tunnel]] "b": --alpn: a protocol id'],
    ["a place", "", 'name = "b"\nlisten = "x"\n', "endpoint.syntax", '[[tunnel]] "b": --listen: "x"'],
    ["a target", "", 'target = "a.example:1"\n', "tunnel.unsafe_target", '[[tunnel]] "tunnel-2": --target'],
  ])("%s", (_what, first, second, code, message) => {
    const row = (more: string) => `[[tunnel]]\n${more}${more.includes("listen = ") ? "allow-all = true\n" : OWN}`;
    const refused = refusal(() => server(`${TOP}${row(first)}${row(second)}`));
    expect(refused.code).toBe(code);
    expect(refused.message).toContain(message);
    expect(refused.hint).toBeDefined();
  });

  test("a server's key in a client's table", () => {
    const refused = refusal(() => client(`${TOP}[[tunnel]]\nname = "db"\nlisten = "unix:/1"\nallow-cn = "x"\n`));
    expect(refused).toMatchObject({
      code: "config.tunnel",
      exit: 78,
      message: '[[tunnel]] "db": "allow-cn" is not for a client',
    });
    expect(refused.hint).toContain("portail tunnel server");
  });

  test("a key of the process, with its line", () => {
    const refused = refusal(() => server(`${TOP}[[tunnel]]\n${OWN}connect-timeout = "3s"\n`));
    expect(refused).toMatchObject({ code: "config.unknown_key", exit: 78 });
    expect(refused.message).toStartWith("t.toml:8: ");
  });
});
