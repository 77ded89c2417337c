/** `portail tunnel client`: takes connections of this machine, and passes them on over TLS with this identity. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { exits } from "./exits.ts";
import { clientArgs } from "./flags.ts";
import { configureTunnelLog } from "./log.ts";
import { parseClientProcess } from "./process.ts";
import { forProgram, runProgram } from "./program.ts";
import { openProcess, serve } from "./serve.ts";
import { carryStdio } from "./stdio.ts";

export default defineCommand({
  meta: {
    name: "client",
    description: "Take connections of this machine, and pass them on over TLS with a client certificate",
    long: `The target must have a certificate of --cacert (or of the system's authorities) that names its host, or
--override-server-name; the --verify flags ask for more. A common name never counts as a name.

With -- PROGRAM the tunnel lives as long as the program: it gets {host} and {port} of the tunnel in its arguments, and its
exit status is the command's. With --stdio one connection is carried over standard input and output, as
ssh -o ProxyCommand wants it.

SIGHUP (or SIGUSR1, or --timed-reload) reads certificate, trust, revocation lists and policy anew; what is broken changes
nothing, and open connections go on. SIGTERM lets open connections end for --shutdown-timeout, then cuts them.

Several tunnels run in one process with --config FILE and a [[tunnel]] table for each; a table inherits the flags.`,
    examples: [
      {
        command:
          "portail tunnel client --listen localhost:5432 --target db.example.com:8443 --keystore me.p12 --cacert ca.pem",
        description: "Reach a database behind a tunnel server",
      },
      {
        command:
          "portail tunnel client --target db.example.com:8443 --keystore me.p12 --cacert ca.pem -- psql -h {host} -p {port} -U me",
        description: "The same for one program, with nothing left behind",
      },
      {
        command: "portail tunnel client --stdio --target ssh.example.com:443 --keystore me.p12 --cacert ca.pem",
        description: "As the ProxyCommand of ssh, for a server behind a tunnel",
      },
    ],
    exits: [
      ...exits,
      {
        status: EXIT.unavailable,
        meaning:
          "the target's name does not resolve, the program or syslog is not there, or --stdio was not let through",
      },
    ],
    tables: ["tunnel", "identity", "trust"],
  },
  args: clientArgs,
  async run({ args, data, config }) {
    const program = args.command.length > 0;
    if (!program && args.env.length > 0) throw usage("usage.missing", "--env needs a program", "write it behind --");
    const endLog = configureTunnelLog(data.log, args, args.stdio || program);
    try {
      const settings = parseClientProcess(program ? forProgram(args) : args, config, args.stdio);
      if (args.stdio) return await carryStdio(data, settings);
      return await (program ? runProgram(data, settings, args) : serve(data, settings));
    } finally {
      endLog();
    }
  },
  async check({ args, data, config }) {
    const settings = parseClientProcess(args, config, args.stdio);
    await openProcess(data, { ...settings, audit: undefined });
    checkStatusClients(data, settings.status?.clients, "tunnel");
  },
});
