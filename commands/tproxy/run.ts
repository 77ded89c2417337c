/** `portail tproxy run`, and `portail tproxy` by itself: captures connections of this machine, and passes them on over TLS. */
import type { Command, Config, ParsedArgs } from "../../lib/command/define.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { liveUntilStopped } from "../../lib/service/life.ts";
import { checkStatusClients } from "../../lib/service/status-clients.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import { AnyIp, anyIp } from "./any-ip.ts";
import { runArgs } from "./flags.ts";
import { LedNames } from "./led-names.ts";
import { load, readNames } from "./load.ts";
import { applyReference } from "./reference.ts";
import { Redirect, REDIRECTED, removeTable } from "./redirect.ts";
import { planCapture, planRun, type CapturePlan } from "./run-plan.ts";
import { loadTools, openTproxy } from "./serve.ts";
import { TproxyProcess } from "./tproxy-process.ts";

/** The same command under two names. */
export function runCommand(name: string, commands?: Command["commands"]): Command {
  const line = name === "run" ? "portail tproxy run" : "portail tproxy";
  return defineCommand({
    meta: {
      name,
      description: "Wrap connections of this machine in mutual TLS, for programs that know nothing of it",
      long: `Outgoing TCP connections to the ports of --port-map are captured by a table of the firewall, inet portail, and go on
over TLS to the server that the program meant, with a client certificate. What it meant is known and not guessed: the
address that it connects to stands for one name, by a rule or a hosts file; an address that stands for no name is refused,
and so is one that stands for several, unless the first bytes say which. Root is captured like everybody.

Rules are [[rule]] tables of --config FILE, of which the first that takes name, port, user, group and control group decides
the identity, the trust and all else; without any, the flags are the one rule.

When it is killed, the table stays and connections are refused; the next start takes it over, --cleanup removes it, and so
does SIGTERM once open connections have ended. SIGHUP reads certificates, trust, revocation lists, hosts and policies anew.`,
      examples: [
        {
          command: `${line} --cert me.pem --key me-key.pem --cacert ca.pem --portMap 8443:443`,
          description:
            "Programs speak plain HTTP to port 8443 of a name of /etc/hosts, and get mutual TLS at its port 443",
        },
        {
          command: `${line} --config tproxy.toml --audit /var/log/portail/tproxy.jsonl`,
          description: "With a rule for each service and user",
        },
        {
          command: `${line} --map db.example.com:5432 --starttls postgres --keystore me.p12 --cacert ca.pem`,
          description: "A database that wants TLS in PostgreSQL's own way",
        },
      ],
      exits: [
        { status: EXIT.done, meaning: "stopped, and everything open had ended; the table is gone" },
        { status: EXIT.no, meaning: "stopped, and open connections were cut; the table is gone" },
        { status: EXIT.usage, meaning: "a flag or its value is wrong" },
        { status: EXIT.badData, meaning: "a certificate, key, revocation list or policy is broken" },
        { status: EXIT.noInput, meaning: "a file cannot be read" },
        { status: EXIT.unavailable, meaning: "the program nft or ip is not there" },
        { status: EXIT.os, meaning: "the system refused, e.g. the port is in use" },
        { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
        { status: EXIT.noPrivilege, meaning: "capturing is not permitted" },
        { status: EXIT.config, meaning: "the settings contradict each other, or the instance runs already" },
      ],
      tables: ["rule", "identity", "trust"],
    },
    args: runArgs,
    ...(commands && { commands }),
    async run({ args, data, config }) {
      configureLog(data.log, args);
      applyReference(args, data.log);
      const endLog = args.syslog ? logToSyslog(data.log) : () => {};
      try {
        return await run(data, args, config);
      } finally {
        endLog();
      }
    },
    check: ({ args, data, config }) => check(data, args, config),
  });
}

export default runCommand("run");

async function run(runtime: Runtime, args: ParsedArgs<typeof runArgs>, config: Config): Promise<ExitStatus> {
  if (args.cleanup) return cleanUp(runtime, planCapture(args, config));
  const { mode, capture, names, settings, plans, status, life, led: ledSettings } = planRun(args, config);
  const { keepAlive } = settings;
  const mark = mode === "redirect" ? capture.mark : undefined;
  const led =
    ledSettings === undefined ? undefined : new LedNames(ledSettings, readNames(plans, names).fixed(), runtime);
  const opened = await openTproxy(runtime, {
    settings,
    rules: plans,
    led: led?.pool,
    names,
    captured: mode === "redirect" ? REDIRECTED : anyIp(names.fake),
    mark,
  });
  const capturing =
    mode === "redirect" ? new Redirect(capture, keepAlive) : new AnyIp(names.fake, capture.ports, keepAlive);
  const process = new TproxyProcess(runtime, opened, {
    capturing,
    status,
    mark,
    led: led && { names: led, open: () => led.open(runtime, keepAlive, mark) },
  });
  const exit = await liveUntilStopped(runtime, (daemon) => process.start(daemon), life);
  await process.close();
  return exit;
}

async function cleanUp(runtime: Runtime, { mode, capture, names, settings }: CapturePlan): Promise<ExitStatus> {
  if (mode === "redirect") await removeTable(capture);
  else await new AnyIp(names.fake, capture.ports, settings.keepAlive).cleanUp(runtime);
  return EXIT.done;
}

/** Reads what a start would, and opens neither names nor the audit. */
async function check(runtime: Runtime, args: ParsedArgs<typeof runArgs>, config: Config): Promise<void> {
  const { plans, names, settings, status } = planRun(args, config);
  checkStatusClients(runtime, status?.clients, "tproxy");
  const { verifiers } = await load(plans, names, loadTools(runtime, settings, undefined));
  for (const verifier of verifiers) verifier.close();
}
