/** `portail doctor`: what this machine has for each command, what that means, and what to do about it. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { nearest } from "../../lib/command/nearest.ts";
import { COMMANDS, verdictOf, type CommandName } from "./finding.ts";
import { judge } from "./judge.ts";
import { readFacts } from "./read.ts";
import { reportJson, reportText } from "./report.ts";

export default defineCommand({
  meta: {
    name: "doctor",
    description: "Show what this machine has for the other commands, with advice",
    long: `Looks at libraries, tokens, capabilities, namespaces, limits, the service manager, the firewall, addresses and the clock, as
the user who asks. Each finding is ok, a note (something is missing that not everybody needs) or a warning. Commands that
are named limit it to what they need, and then it fails where one of them cannot work.

It changes nothing, asks for no PIN, and connects to nothing. Start it as a daemon would be, with the same user and unit, to
see what the daemon sees.`,
    examples: [
      { command: "portail doctor", description: "Everything" },
      { command: "portail doctor tproxy socks", description: "Whether these two can work here" },
      {
        command: "portail doctor tunnel --module /usr/lib/softhsm/libsofthsm2.so",
        description: "Whether a tunnel could have its key in a token",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "nothing that was asked for is impossible, whatever the notes" },
      { status: EXIT.no, meaning: "a command that was named cannot work here, or a module cannot be used" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
    ],
  },
  args: {
    command: {
      type: "positional",
      multiple: true,
      valueHint: "COMMAND",
      values: "doctor-commands",
      description: `What is to work here: ${COMMANDS.join(", ")}; all, without one`,
    },
    module: {
      type: "string",
      multiple: true,
      valueHint: "PATH",
      description:
        "Load this PKCS#11 module and show its tokens; without one, the modules that p11-kit knows are named",
    },
    json: { type: "boolean", description: "Write one line of JSON" },
  },
  async run({ args: { command: words, module: modules, json }, data }) {
    const named = words.map(parseCommand);
    const verdict = verdictOf(judge(await readFacts(data, modules)), named);
    data.stdout.write(
      json ? reportJson(verdict, data.version) : reportText(verdict, named.length > 0, data.stdout.columns),
    );
    return verdict.impossible ? EXIT.no : EXIT.done;
  },
});

function parseCommand(word: string): CommandName {
  const found = COMMANDS.find((command) => command === word.replaceAll(" ", "-"));
  if (found !== undefined) return found;
  const guess = nearest(word, COMMANDS);
  throw usage(
    "doctor.unknown_command",
    `COMMAND: ${JSON.stringify(word)} is no command that needs something of a machine`,
    guess === undefined ? `there are ${COMMANDS.join(", ")}` : `did you mean "${guess}"?`,
  );
}
