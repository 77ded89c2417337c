/** `portail mux explain`: which route a client would take, and why it takes no other. Connects nowhere. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseChoice } from "../../lib/command/values.ts";
import type { InputStream } from "../../lib/command/runtime.ts";
import { formatEndpoint } from "../../lib/net/endpoint.ts";
import { FirstBytesReader } from "../../lib/session/first-bytes.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { LONGEST_HELLO } from "../../lib/wire/hello-records.ts";
import { readCaptured, type Captured } from "./captured.ts";
import { explainFlags } from "./flags.ts";
import { accountOf } from "./routes/account.ts";
import type { RouteMatch } from "./routes/match.ts";
import { RouteTable } from "./routes/table.ts";
import { parsePlaces, type Place } from "./settings.ts";

export default defineCommand({
  meta: {
    name: "explain",
    description: "Say which route a client takes, and why it takes no other",
    long: `The client is described by --server-name and --alpn, or its first bytes stand on standard input: a captured ClientHello
(raw or in hexadecimal digits), or what a client without TLS begins with. Certificates and policies are not asked.`,
    examples: [
      {
        command: "portail mux explain --config mux.toml --server-name a.example --alpn h2 --alpn http/1.1",
        description: "As a browser asks",
      },
      { command: "cat hello.bin | portail mux explain --config mux.toml", description: "As a captured client asks" },
    ],
    exits: [
      { status: EXIT.done, meaning: "a route takes the client" },
      { status: EXIT.no, meaning: "no route takes it" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "standard input holds no whole ClientHello" },
      { status: EXIT.noInput, meaning: "the configuration cannot be read" },
      { status: EXIT.config, meaning: "a route makes no sense" },
    ],
    tables: ["route", "preset", "identity", "trust"],
  },
  args: explainFlags,
  async run({ args, data, config }) {
    const place = placeAt(
      parsePlaces(
        { ...args, ...identityOf(args), listen: args.listen.length === 0 ? [ANYWHERE] : args.listen },
        config,
        "show",
      ),
      args.at,
    );
    const described = args["server-name"] !== undefined || args.alpn.length > 0 || args.starttls !== undefined;
    const client = described ? describedClient(args) : readCaptured(await readAll(data.stdin));
    const { taken, lines } = client.kind === "hello" ? ofHello(place, client) : ofBytes(place, client.bytes);
    data.stdout.write(lines.map((line) => `${line}\n`).join(""));
    return taken ? EXIT.done : EXIT.no;
  },
});

/** Where nothing is to be listened on. */
const ANYWHERE = "127.0.0.1:0";

/** Certificates are not looked at: without one, routes are explained all the same. */
function identityOf({ cert, key, keystore }: Record<"cert" | "key" | "keystore", string | undefined>) {
  return (cert ?? key ?? keystore) === undefined ? { keystore: "none" } : {};
}

interface Described {
  "server-name": string | undefined;
  alpn: readonly string[];
  starttls: string | undefined;
}

function describedClient({ "server-name": name, alpn, starttls }: Described): Captured {
  const canonical = name === undefined ? undefined : canonicalHost(name);
  if (canonical?.error !== undefined)
    throw usage("usage.value", `--server-name: ${JSON.stringify(name)} is no server name: ${canonical.error}`);
  const way = starttls === undefined ? "tls" : parseChoice("--starttls", starttls, ["postgres"]);
  const serverName = canonical?.ip === undefined ? canonical?.host : undefined;
  // Lists, as `mux connect` takes them.
  const protocolIds = alpn.length === 0 ? undefined : alpn.flatMap((text) => text.split(",").map((id) => id.trim()));
  return { kind: "hello", way, asked: { serverName, protocolIds } };
}

function ofHello({ routes }: Place, { asked, way }: Extract<Captured, { kind: "hello" }>) {
  const account = accountOf(routes, asked, way);
  const { choice } = account;
  const name = asked.serverName === undefined ? "no server name" : `server name ${asked.serverName}`;
  const ids = asked.protocolIds ?? [];
  const offered =
    ids.length === 0 ? "no protocol ids" : `protocol ids ${ids.map((id) => JSON.stringify(id)).join(", ")}`;
  const verdict = choice.kind === "route" ? verdictOf(choice.route) : `refused: ${choice.code}`;
  return {
    taken: choice.kind === "route" && choice.route.refuse === undefined,
    lines: [
      `client: ${name}, ${offered}${way === "postgres" ? ", after PostgreSQL's request for TLS" : ""}`,
      verdict,
      ...account.routes.map(({ route, chosen, why }) => `  ${chosen ? "+" : "-"} ${route.name}: ${why}`),
    ],
  };
}

function ofBytes({ routes }: Place, bytes: Uint8Array) {
  const table = new RouteTable<RouteMatch>(routes);
  const reader = new FirstBytesReader(table.expected);
  const step = bytes.length === 0 ? undefined : (reader.receive(bytes)[0] ?? reader.ended());
  const found = step?.type === "done" ? step.value : undefined;
  const route = step === undefined ? table.silent : found && table.routeFirstBytes(found);
  const what =
    step === undefined ? "nothing" : found === undefined ? "nothing known" : "name" in found ? found.name : "a pattern";
  return {
    taken: route !== undefined && route.refuse === undefined,
    lines: [
      `client: without TLS, its first bytes are ${what}`,
      route === undefined ? "refused: unknown_protocol" : verdictOf(route),
    ],
  };
}

function verdictOf({ name, refuse }: RouteMatch): string {
  return refuse === undefined ? `route ${name}` : `refused by route ${name}: ${refuse}`;
}

function placeAt(places: readonly Place[], at: string | undefined): Place {
  if (at === undefined) return places[0]!;
  const found = places.find(({ endpoint }) => formatEndpoint(endpoint) === at);
  if (found !== undefined) return found;
  throw new PortailError(`no route listens at ${JSON.stringify(at)}`, {
    code: "mux.no_listener",
    exit: EXIT.usage,
    hint: `clients come in at ${places.map(({ endpoint }) => formatEndpoint(endpoint)).join(", ")}`,
  });
}

/** No more than the longest hello has, with its records. */
async function readAll(stdin: InputStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin.bytes()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > 4 * LONGEST_HELLO) break;
  }
  return Buffer.concat(chunks);
}
