/** `portail socks`: an access proxy (SOCKS5, SOCKS4a, HTTP CONNECT and forward) that lets programs out by policy. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { planContext } from "./context.ts";
import { args } from "./flags.ts";
import { load } from "./load.ts";
import { serve } from "./serve.ts";
import { parseSettings } from "./settings.ts";

export default defineCommand({
  meta: {
    name: "socks",
    description: "Let programs out by policy: SOCKS5, SOCKS4a, HTTP CONNECT and http:// on one port",
    tables: ["backend", "identity", "provider", "trust"],
    long: `Programs reach the network through this proxy: curl, ssh, git, apt, browsers; try
curl --proxy socks5h://127.0.0.1:1080 https://example.com/. A policy decides each request by what
is known of it (who, where to, which protocol), and every decision can be recorded as a line of JSON.

A name is resolved by the proxy, once, and each of its addresses is decided; loopback, link-local, metadata and private
addresses are refused unless the policy names them.

With --udp, SOCKS5 clients may send datagrams (DNS, QUIC, STUN, TURN) where a policy asks for proxy.cmd == "udp_associate".

SIGHUP (or SIGUSR1) reloads the policy, the users and what providers read, and reopens the audit file; a broken policy changes
nothing. SIGTERM lets open
tunnels end for --shutdown-timeout, then cuts them.`,
    examples: [
      {
        command: "portail socks --acl builtin:sample",
        description: "Serve 127.0.0.1:1080 with a policy to try things with",
      },
      {
        command: "portail socks --listen 127.0.0.1:1080 --acl out.acl --audit /var/log/portail/socks.jsonl",
        description: "Decide by a policy of your own and record it",
      },
      {
        command: "portail socks --listen 192.0.2.7:1080 --users users --acl out.acl",
        description: "Serve a network, with a name and password for each user",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "stopped, and everything open had ended" },
      { status: EXIT.no, meaning: "stopped, and open tunnels were cut" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "the policy, the users file or an inventory is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.unavailable, meaning: "the program of a provider is not there" },
      { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
      { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
      { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
      { status: EXIT.config, meaning: "the settings contradict each other" },
    ],
  },
  args,
  commands: { ctl: () => import("./ctl.ts").then((module) => module.default) },
  async run({ args: given, data, config }) {
    configureLog(data.log, given);
    const settings = parseSettings(given, config.tables);
    settings.context = await planContext(config, given["context-timeout"], data);
    const end = given.syslog ? logToSyslog(data.log) : undefined;
    try {
      return await serve(data, settings, { live: given.live && !given.quiet });
    } finally {
      end?.();
    }
  },
  async check({ args: given, data, config }) {
    const settings = parseSettings(given, config.tables);
    settings.context = await planContext(config, given["context-timeout"], data);
    const { warnings } = await load(settings, new SourceFiles(data));
    for (const warning of warnings) data.log.warn(warning);
    checkStatusClients(data, settings.status?.clients, "socks");
  },
});
