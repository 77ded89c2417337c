/** `portail tproxy dns`: the stub resolver alone, for fake addresses that are routed here by other means. */
import { openAudit } from "../../lib/audit/sink.ts";
import { defineCommand, type CommandMeta } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import { liveUntilStopped } from "../../lib/service/life.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import { dnsArgs } from "./dns-flags.ts";
import { DnsProcess } from "./dns-process.ts";
import { parseDns } from "./dns-settings.ts";

const meta: CommandMeta = {
  name: "dns",
  description: "Answer names with addresses that stand for them, and forward the rest",
  long: `A name of --match gets an address of --range that is its alone, so that who is connected to by that address is known by
name. --map gives a name an address of your choice and comes first. With --match '*' a name gets an address only where
--upstream knows one. All other names go to --upstream, and its answers come back as they are.

An address never goes to another name while a program may still know it. With --state this holds over restarts, too: a pair
is in the file before anybody is told of it.

SIGHUP opens the audit file anew; SIGTERM lets those be answered that wait.`,
  examples: [
    {
      command:
        "portail tproxy dns --listen 127.0.0.1:53 --match '**.corp.example' --upstream 192.0.2.53 --state /var/lib/portail/names",
      description: "Fake addresses for the names of one domain",
    },
    {
      command: "portail tproxy dns --listen 127.0.0.1:5300 --map db.example.com=127.77.0.1",
      description: "One name, and no other is answered",
    },
  ],
  exits: [
    { status: EXIT.done, meaning: "stopped, and whoever waited was answered" },
    { status: EXIT.no, meaning: "stopped, and some were not answered" },
    { status: EXIT.usage, meaning: "a flag or its value is wrong" },
    { status: EXIT.badData, meaning: "the file of --state is broken" },
    { status: EXIT.os, meaning: "the system refused, e.g. the address is in use" },
    { status: EXIT.cannotCreate, meaning: "the file of --state or the audit destination cannot be written" },
    { status: EXIT.retry, meaning: "another process has the file of --state" },
    { status: EXIT.noPrivilege, meaning: "listening there is not permitted" },
    { status: EXIT.config, meaning: "settings that contradict each other, or the state" },
  ],
};

export default defineCommand({
  meta,
  args: dnsArgs,
  async run({ args, data }) {
    const { log } = data;
    configureLog(log, args);
    const endLog = args.syslog ? logToSyslog(log) : () => {};
    try {
      const settings = parseDns(args);
      const { audit } = settings;
      const sink = await openAudit(audit, log);
      const process = new DnsProcess(data, settings, sink);
      const status = await liveUntilStopped(data, (life) => process.start(life), settings.life);
      await process.close();
      return status;
    } finally {
      endLog();
    }
  },
});
