/** `portail check`: whether a daemon could be started with a configuration, before it is. What there is to check is each daemon's own. */
import { defineCommand, type Command, type Group } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { invocationOf } from "../../lib/command/invocation.ts";
import { chooseDaemon, namedDaemon } from "./daemons.ts";

/** `root` has the daemons. */
export function checkCommand(root: Group): Command {
  return defineCommand({
    meta: {
      name: "check",
      description: "Check the configuration of a daemon, with all that it names, before a start or a reload",
      long: `Reads the file as the daemon would, with its certificates, keys, trust, policies, users and keyrings, and for a tunnel
resolves the names of its targets. It listens nowhere, connects to no target and writes nothing; environment variables count
as they do for the daemon.

Which daemon it is for follows from the keys and tables of the file; where several take them all, --for says it. A reload
takes up files, not flags: "portail check" looks at both, as the next start would.`,
      examples: [
        { command: "portail check mux.toml", description: "Before a restart" },
        {
          command: "portail check --for tunnel-server /etc/portail/tunnel-server/web.toml",
          description: "For one daemon, as the units of systemd do before a reload",
        },
      ],
      exits: [
        { status: EXIT.done, meaning: "the daemon can be started" },
        { status: EXIT.usage, meaning: "a flag or its value is wrong, or several daemons take such a file" },
        { status: EXIT.badData, meaning: "a certificate, key, revocation list, policy or keyring is broken" },
        { status: EXIT.noInput, meaning: "a file cannot be read" },
        { status: EXIT.unavailable, meaning: "the target's name does not resolve, or a program is not there" },
        { status: EXIT.noPrivilege, meaning: "reading a key is not permitted" },
        { status: EXIT.config, meaning: "no daemon takes such a file, or its settings contradict each other" },
      ],
    },
    args: {
      file: { type: "positional", required: true, valueHint: "FILE", description: "The configuration" },
      for: { type: "string", valueHint: "COMMAND", description: "The daemon that it is for, e.g. tunnel-server" },
    },
    async run({ args: { file, for: name }, data }) {
      const { path, command } =
        name === undefined ? await chooseDaemon(root, file, data.cwd) : await namedDaemon(root, name);
      await command.check!(invocationOf(command, new Map([["config", file]]), data));
      data.stdout.write(`${file}: good for "${[root.meta.name, ...path].join(" ")}"\n`);
      return EXIT.done;
    },
  });
}
