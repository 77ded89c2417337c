/** `portail tunnel server`: takes TLS connections of clients that may, and passes them on in the clear. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { exits } from "./exits.ts";
import { serverArgs } from "./flags.ts";
import { configureTunnelLog } from "./log.ts";
import { parseServerProcess } from "./process.ts";
import { openProcess, serve } from "./serve.ts";
import { carryStdio } from "./stdio.ts";

export default defineCommand({
  meta: {
    name: "server",
    description: "Take TLS connections of clients that may, and pass them on to a service that knows no TLS",
    long: `Clients prove who they are with a certificate of --cacert, and the --allow flags say which of them may connect:
one that fits is enough. A policy (--acl) must allow as well; it can ask for everything that is known of the connection.
Nothing reaches the target before all has agreed.

SIGHUP (or SIGUSR1, or --timed-reload) reads certificate, trust, revocation lists and policy anew; what is broken changes
nothing, and open connections go on. SIGTERM lets open connections end for --shutdown-timeout, then cuts them.

Several tunnels run in one process with --config FILE and a [[tunnel]] table for each; a table inherits the flags.`,
    examples: [
      {
        command:
          "portail tunnel server --listen localhost:8443 --target localhost:8080 --cert server.pem --key server.key --cacert ca.pem --allow-cn alice",
        description: "Let the holder of one certificate reach a web server",
      },
      {
        command:
          "portail tunnel server --listen :5432 --target unix:/run/postgresql/.s.PGSQL.5432 --keystore server.p12 --cacert ca.pem --acl db.acl --starttls postgres",
        description: "A PostgreSQL server with client certificates and a policy",
      },
    ],
    exits: [
      ...exits,
      { status: EXIT.unavailable, meaning: "the target's name does not resolve, or there is no syslog" },
    ],
    tables: ["tunnel", "identity", "trust"],
  },
  args: serverArgs,
  async run({ args, data, config }) {
    const endLog = configureTunnelLog(data.log, args, args.stdio);
    try {
      const settings = parseServerProcess(args, config);
      return await (args.stdio ? carryStdio(data, settings) : serve(data, settings));
    } finally {
      endLog();
    }
  },
  async check({ args, data, config }) {
    const settings = parseServerProcess(args, config);
    await openProcess(data, { ...settings, audit: undefined });
    checkStatusClients(data, settings.status?.clients, "tunnel");
  },
});
