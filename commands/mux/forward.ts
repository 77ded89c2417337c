/** `portail mux forward`: a plain address of this machine that leads to what a server routes by name and protocol id. */
import { parseAudit } from "../../lib/audit/settings.ts";
import { openAudit } from "../../lib/audit/sink.ts";
import { usage } from "../../lib/command/argv.ts";
import { defineCommand, type ParsedArgs } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog, parseLife } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { liveUntilStopped } from "../../lib/service/life.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { parseStatus } from "../../lib/service/status-settings.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import type { WrapSettings } from "../../lib/service/wrap-settings.ts";
import { forwardArgs } from "./client-flags.ts";
import { parseListening } from "./client-settings.ts";
import { openWrap, wrapExits } from "./client-wrap.ts";
import { ForwardProcess } from "./forward-process.ts";

export default defineCommand({
  meta: {
    name: "forward",
    description: "Give programs a plain local address that leads to what a server routes by name and protocol id",
    long: `Each connection to --listen, a TCP port or a UNIX socket, is wrapped in TLS on its way to SERVER, as "portail mux connect"
wraps the one that it carries. It suits protocols whose own TLS comes too late to be routed by, such as MySQL's.

SIGHUP (or SIGUSR1, or --timed-reload) reads certificate and trust anew; what is broken changes nothing, and open
connections go on. SIGTERM lets open connections end for --shutdown-timeout, then cuts them. --status says whether the server
is there, and --audit writes a line for each connection.`,
    examples: [
      {
        command:
          "portail mux forward gate.example.com:443 --server-name mysql.example.com --alpn mysql --listen localhost:3306",
        description: "A local port for MySQL",
      },
      {
        command:
          "portail mux forward gate.example.com:443 --alpn postgresql --listen unix:/run/user/1000/.s.PGSQL.5432",
        description: "A local socket for PostgreSQL",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "stopped, and everything open had ended" },
      { status: EXIT.no, meaning: "stopped, and open connections were cut" },
      ...wrapExits,
      { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
      { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
      { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
    ],
  },
  args: forwardArgs,
  async run({ args, data }) {
    configureLog(data.log, args);
    const settings = parseForward(args, data.env);
    const endLog = args.syslog ? logToSyslog(data.log) : () => {};
    try {
      const sink = await openAudit(parseAudit(args), data.log);
      const kept = { sink, status: parseStatus(args), timeout: settings.connectTimeout };
      const forward = new ForwardProcess(data, await openWrap(data, settings), kept);
      const status = await liveUntilStopped(data, (life) => forward.start(life), parseLife(args));
      await forward.close();
      return status;
    } finally {
      endLog();
    }
  },
  async check({ args, data }) {
    const status = parseStatus(args);
    parseLife(args);
    await openWrap(data, parseForward(args, data.env));
    checkStatusClients(data, status?.clients, "mux");
  },
});

function parseForward(args: ParsedArgs<typeof forwardArgs>, env: Runtime["env"]): WrapSettings {
  const settings = parseListening(args, env);
  if (settings.listen.length > 0) return settings;
  throw usage("usage.missing", "--listen is required", "where programs come in, e.g. --listen localhost:5432");
}
