/** `portail tunnel client`: takes connections of this machine, and passes them on over TLS with this identity. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { exits } from "./exits.ts";
import { clientArgs } from "./flags.ts";
import { configureTunnelLog } from "./log.ts";
import { parseClientProcess } from "./process.ts";
import { serve } from "./serve.ts";
import { carryStdio } from "./stdio.ts";

export default defineCommand({
  meta: {
    name: "client",
    description: "Take connections of this machine, and pass them on over TLS with a client certificate",
    long: `The target must have a certificate of --cacert (or of the system's authorities) that names its host, or
--override-server-name; the --verify flags ask for more. A common name never counts as a name.

SIGHUP (or SIGUSR1, or --timed-reload) reads certificate, trust, revocation lists and policy anew; what is broken changes
nothing, and open connections go on. SIGTERM lets open connections end for --shutdown-timeout, then cuts them.

Several tunnels run in one process with --config FILE and a [[tunnel]] table for each; a table inherits the flags.`,
    examples: [
      {
        command:
          "portail tunnel client --listen localhost:5432 --target db.example.com:8443 --keystore me.p12 --cacert ca.pem",
        description: "Reach a database behind a tunnel server",
      },
    ],
    exits: [...exits, { status: EXIT.unavailable, meaning: "the target's name does not resolve" }],
    tables: ["tunnel", "identity", "trust"],
  },
  args: clientArgs,
  run({ args, data, config }) {
    configureTunnelLog(data.log, args, args.stdio);
    const settings = parseClientProcess(args, config, args.stdio);
    return args.stdio ? carryStdio(data, settings) : serve(data, settings);
  },
});
