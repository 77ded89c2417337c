/** `portail mux connect`: standard input and output through a multiplexer, as ssh's ProxyCommand wants it. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand, type ParsedArgs } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseDuration } from "../../lib/command/values.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import { readIdentity } from "../../lib/identity/identity.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust } from "../../lib/identity/trust.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { parseEndpoint } from "../../lib/net/endpoint.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import { Relay, type RelayResult } from "../../lib/net/relay.ts";
import { openResolver } from "../../lib/net/resolve.ts";
import { StdioConn } from "../../lib/net/stdio-conn.ts";
import { parseProxyUrl } from "../../lib/net/through-proxy.ts";
import { createContext } from "../../lib/net/tls-context.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { connectArgs } from "./flags.ts";
import { openWrapped, type WrapParts } from "./wrap.ts";

export default defineCommand({
  meta: {
    name: "connect",
    description: "Carry standard input and output to a server behind a multiplexer",
    long: `Connects to SERVER over TLS with the server name and protocol ids that lead to the right route, with a client certificate
if one is given. The server's certificate must be for the server name.`,
    examples: [
      {
        command: "portail mux connect mux.example.com:443 --alpn ssh",
        description: "By a protocol id",
      },
      {
        command: "portail mux connect mux.example.com:443 --server-name host.example.com --keystore me.p12",
        description: "By a server name, with a certificate; with %h in its place, a ProxyCommand of ssh",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "both sides have come to their ends" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "a certificate, key or revocation list is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.unavailable, meaning: "the server cannot be reached, or is not who it should be" },
      { status: EXIT.io, meaning: "the connection broke off, or was cut" },
    ],
  },
  args: connectArgs,
  async run({ args, data }) {
    configureLog(data.log, args);
    const parts = await partsOf(data, args);
    const upstream = await openWrapped(parts);
    const client = new StdioConn();
    const cut = { relay: undefined as Relay | undefined };
    const off = (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((signal) =>
      data.onSignal(signal, () => cut.relay?.cut()),
    );
    const limits = { idle: 0, lifetime: 0, halfClosed: 0 };
    const end = await new Promise<RelayResult>((relayEnded) => {
      cut.relay = new Relay(client, upstream, limits, { bytes: new Uint8Array(0), ended: false }, { relayEnded });
    });
    for (const release of off) release();
    return end.error === undefined && (end.by === "client" || end.by === "upstream") ? EXIT.done : EXIT.io;
  },
});

async function partsOf(runtime: Runtime, args: ParsedArgs<typeof connectArgs>): Promise<WrapParts> {
  const server = parseEndpoint(args.server, "SERVER");
  if (server.kind !== "tcp" || server.port === 0)
    throw usage("usage.value", `SERVER: ${JSON.stringify(args.server)} is no server`, "write HOST:PORT");
  const name = canonicalHost(args["server-name"] ?? server.host);
  if (name.error !== undefined)
    throw usage("usage.value", `--server-name: it is no server name: ${name.error}`, "write a DNS name");
  const long = args.alpn.find((id) => id === "" || Buffer.byteLength(id) > 255);
  if (long !== undefined) throw usage("usage.value", "--alpn: a protocol id has 1 to 255 bytes");
  const { identity, trust } = parseIdentityFlags(args);
  const files = new SourceFiles(runtime);
  const own = identity && readIdentity(identity, files);
  const trusted = readTrust(trust, files);
  for (const warning of [...(own?.warnings ?? []), ...trusted.warnings]) runtime.log.warn(warning);
  const proxy = args.proxy === undefined ? undefined : parseProxyUrl(args.proxy, "--proxy");
  const timeout = parseDuration("--connect-timeout", args["connect-timeout"], { min: 1 });
  const keepAlive = new KeepAlive(60);
  return {
    server,
    serverName: name.host,
    protocolIds: args.alpn,
    proxy,
    context: createContext({ material: own?.credential, ca: trusted.ca, crl: trusted.crl }),
    trust: trusted,
    proxyContext: proxy?.tls ? createContext({ ca: readTrust({ cacert: [], crl: [] }, files).ca }) : undefined,
    tools: { dialer: new Dialer(timeout, keepAlive), resolve: await openResolver([], timeout) },
    deadlines: new Deadlines(timeout),
    keepAlive,
  };
}
