/** `portail tproxy exec`: mutual TLS for one program, from its start to its end, without any privilege. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand, type Config, type ParsedArgs } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { configureLog } from "../../lib/command/flags.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { ChildCommand, findProgram } from "../../lib/service/child.ts";
import { runForProgram } from "../../lib/service/for-program.ts";
import { execArgs } from "./flags.ts";
import { LocalNames } from "./local-names.ts";
import { OwnMounts } from "./own-mounts.ts";
import { parseRules } from "./rule-settings.ts";
import { openTproxy } from "./serve.ts";
import { parseCarry, sourcesOf } from "./settings.ts";

export default defineCommand({
  meta: {
    name: "exec",
    description: "Run a program whose connections to certain names go on over mutual TLS, without any privilege",
    long: `The program sees a hosts file of its own, in which each name of --map has an address of loopback (127.77.0.0/16) that
only this user's programs are served at. What it sends there goes on over TLS to the server of that name. All is gone with
the program, whose exit status is the command's.

The program must look names up as the system does (not by a resolver of its own), and connect to the port of --map; a port
below 1024 takes a privilege, so map another: --map www.example.com:8080:443. User namespaces must be allowed.`,
    examples: [
      {
        command:
          "portail tproxy exec --map db.example.com:5432 --starttls postgres --keystore me.p12 --cacert ca.pem -- psql -h db.example.com -U me",
        description: "psql, with a client certificate that it knows nothing of",
      },
      {
        command:
          "portail tproxy exec --map www.example.com:8080:443 --keystore me.p12 -- curl http://www.example.com:8080/",
        description: "A program that speaks plain HTTP",
      },
    ],
    exits: [
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "a certificate, key, revocation list or policy is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.unavailable, meaning: "the program, or unshare, is not there" },
      { status: EXIT.os, meaning: "the system refused, e.g. the port is in use" },
      { status: EXIT.cannotCreate, meaning: "the audit destination cannot be opened" },
      { status: EXIT.noPrivilege, meaning: "user namespaces are not allowed" },
      { status: EXIT.config, meaning: "the settings contradict each other" },
    ],
    tables: ["rule", "identity", "trust"],
  },
  args: execArgs,
  async run({ args, data, config }) {
    configureLog(data.log, args);
    if (!args.debug) data.log.configure({ level: "warn" });
    return run(data, args, config);
  },
});

async function run(runtime: Runtime, args: ParsedArgs<typeof execArgs>, config: Config): Promise<number> {
  const rules = parseRules({ ...args, "port-map": [] }, config);
  const open = rules.find(({ names }) => names.length !== 1 || names[0]!.text.includes("*"));
  if (open !== undefined)
    throw usage("usage.missing", "every rule needs one name", "give --map NAME:PORT, e.g. --map db.example.com:5432");
  const [program, ...words] = args.command;
  if (program === undefined)
    throw usage("usage.missing", "the program to run is missing", "write it behind --, e.g. -- psql -h db.example.com");
  const path = findProgram(program, runtime.env["PATH"], runtime.cwd);
  const mounts = await OwnMounts.open();
  const settings = parseCarry(args);
  const local = new LocalNames(rules, settings.keepAlive, runtime.env);
  const { tproxy } = await openTproxy(runtime, {
    settings,
    rules: rules.map((rule) => ({ settings: local.placed(rule), sources: sourcesOf(rule, args, config) })),
    names: { fake: [local.range], hosts: [] },
    captured: local.captured,
    mark: undefined,
  });
  const command = () => new ChildCommand([...mounts.prefix(local.hosts()), path, ...words].map(verbatim), [], "--map");
  try {
    return await runForProgram(command, local.listening(tproxy), runtime);
  } finally {
    mounts.close();
    await tproxy.close();
  }
}

/** Braces mean nothing here. */
function verbatim(word: string): string {
  return word.replace(/[{}]/g, "$&$&");
}
