/** `portail mux serve`: one port for everything, routed by server name, protocol id and first bytes. */
import { openAudit } from "../../lib/audit/sink.ts";
import { loadConfig } from "../../lib/command/config.ts";
import { defineCommand, type CommandMeta, type Config, type ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { openResolver } from "../../lib/net/resolve.ts";
import { liveUntilStopped } from "../../lib/service/life.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import { serveArgs } from "./flags.ts";
import { loadPlaces } from "./load.ts";
import { MuxMetrics } from "./metrics.ts";
import { Mux } from "./mux.ts";
import { MuxProcess } from "./mux-process.ts";
import { readPlaces } from "./read-places.ts";
import { parseMux, parsePlaces } from "./settings.ts";

const meta: CommandMeta = {
  name: "serve",
  description: "Serve many protocols on one port: each client is led by what it asks for",
  long: `The routes are [[route]] tables of --config FILE. For TLS the server name decides first: an exact one, the wildcard with
most labels, a pattern in the order of the file, then routes without a name. Within a name the protocol ids decide, in the
client's order; then the name's route without ids. A client that no route takes is told so by an alert, and never led to
another name's route. Clients without TLS are told apart by their first bytes.

A route passes bytes as they are, or ends TLS with "terminate", with client certificates if it asks for them, and goes on to
its target in the clear or over TLS of its own.

SIGHUP (or SIGUSR1, or --timed-reload) reads routes, certificates, trust and policies anew; what is broken changes nothing,
and open connections go on. Flags stay as they were. SIGTERM lets open connections end for --shutdown-timeout.`,
  examples: [
    { command: "portail mux serve --listen :443 --config mux.toml", description: "Serve the routes of a file" },
    {
      command: "portail mux serve --listen :443 --config mux.toml --status localhost:9100 --audit /var/log/mux.jsonl",
      description: "With metrics, and a record of each connection",
    },
  ],
  exits: [
    { status: EXIT.done, meaning: "stopped, and everything open had ended" },
    { status: EXIT.no, meaning: "stopped, and open connections were cut" },
    { status: EXIT.usage, meaning: "a flag or its value is wrong" },
    { status: EXIT.badData, meaning: "a certificate, key, revocation list or policy is broken" },
    { status: EXIT.noInput, meaning: "a file cannot be read" },
    { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
    { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
    { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
    { status: EXIT.config, meaning: "a route makes no sense, or two take the same" },
  ],
  tables: ["route", "preset", "identity", "trust"],
};

export default defineCommand({
  meta,
  args: serveArgs,
  async run({ args, data, config }) {
    configureLog(data.log, args);
    const endLog = args.syslog ? logToSyslog(data.log) : () => {};
    try {
      return await serve(data, args, config);
    } finally {
      endLog();
    }
  },
  async check({ args, data, config }) {
    await readPlaces(parsePlaces(args, config), args, data);
    checkStatusClients(data, parseMux(args).status?.clients, "mux");
  },
});

async function serve(runtime: Runtime, args: ParsedArgs<typeof serveArgs>, config: Config): Promise<ExitStatus> {
  const { log } = runtime;
  const settings = parseMux(args);
  parsePlaces(args, config);
  const { audit, connectTimeout, keepAlive, resolvers, dnsTimeout, tls } = settings;
  const sink = await openAudit(audit, log);
  const metrics = new MuxMetrics();
  const targetTools = {
    dialer: new Dialer(connectTimeout, keepAlive),
    resolve: await openResolver(resolvers, dnsTimeout),
  };
  const mux = new Mux({ settings, log, sink, metrics, targetTools });
  const files = new SourceFiles(runtime);
  let first = true;
  const load = async () => {
    const now = first ? config : reread(runtime, config);
    const places = await loadPlaces(parsePlaces(args, now), { files, metrics, targetTools, tls, log });
    const { identity: source } = parseIdentityFlags(args);
    const identity =
      settings.status === undefined || source === undefined ? undefined : await openIdentity(source, files);
    first = false;
    return { places, identity };
  };
  const process = new MuxProcess(runtime, mux, load);
  const status = await liveUntilStopped(runtime, (life) => process.start(life), settings.life);
  await process.close();
  return status;
}

/** The tables of the file, as it is now. */
function reread({ cwd }: Runtime, config: Config): Config {
  if (config.path === undefined) return config;
  const { tables, place } = loadConfig(config.path, cwd, { meta, args: serveArgs });
  return { path: config.path, tables, place };
}
