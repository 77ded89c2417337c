/** `portail daemon`: the access proxy, started as cloud-gouv/portail's is: its flags, its configuration, its sockets. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import { readReferenceConfig } from "../../lib/command/reference-config.ts";
import { daemonArgs, PRESETS } from "./daemon-args.ts";
import { serve } from "./serve.ts";
import { parseSettings } from "./settings.ts";

export default defineCommand({
  meta: {
    name: "daemon",
    description: "Run portail socks with the flags and the configuration of cloud-gouv/portail",
    long: `For units and configurations that are there already. Everything that "portail socks" can do has a flag there.

Without --bind-proxy-address and --bind-rpc-socket, the sockets that the service manager passes as "proxy" and "control" are
served. What the file says and has no meaning here is told as a warning; a key that nobody knows is refused.

Presets: development logs text; container logs JSON and writes the audit to standard output; systemd logs text and writes the
audit to /var/log/portail/access.log. RUST_LOG=warn and RUST_LOG=debug are understood.`,
    examples: [
      { command: "portail daemon --config /etc/portail.toml --log-preset systemd", description: "As the unit does it" },
      {
        command: "portail daemon -c portail.toml --bind-proxy-address 127.0.0.1:8080 --bind-rpc-socket rpc.sock",
        description: "Try it by hand",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "stopped, and everything open had ended" },
      { status: EXIT.no, meaning: "stopped, and open tunnels were cut" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "the policy is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
      { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
      { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
      { status: EXIT.config, meaning: "the configuration is wrong" },
    ],
    foreignConfig: true,
  },
  args: {
    config: {
      type: "string",
      alias: "c",
      default: "/etc/portail.toml",
      valueHint: "FILE",
      description: "The configuration",
    },
    "bind-proxy-address": { type: "string", valueHint: "HOST:PORT", description: "Where clients come in" },
    "bind-rpc-socket": { type: "string", valueHint: "PATH", description: "Where orders are taken (Varlink)" },
    "log-preset": {
      type: "string",
      default: "development",
      valueHint: PRESETS.join("|"),
      description: "How to log",
    },
  },
  async run({ args, data }) {
    const { given, tables, warnings, live } = daemonArgs(args, readReferenceConfig(args.config), data.env);
    configureLog(data.log, given);
    for (const warning of warnings) data.log.warn(warning);
    return serve(data, parseSettings(given, tables), { live });
  },
});
