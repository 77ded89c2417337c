/** `portail tproxy rules`: prints the table of the firewall that `run` would apply, and touches nothing. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { runArgs } from "./flags.ts";
import { parseRules } from "./rule-settings.ts";
import { parseCapture } from "./settings.ts";
import { replacingText } from "./table.ts";

export default defineCommand({
  meta: {
    name: "rules",
    description: "Print the firewall table that would be applied, and touch nothing",
    long: `What is printed is byte for byte what \`portail tproxy run\` gives to nft with the same flags: one transaction that
replaces the table of the instance and no other.`,
    examples: [
      {
        command: "portail tproxy rules --portMap 8443:443 --capture-user app | nft -c -f -",
        description: "Have nft check the table",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "printed" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.config, meaning: "a rule makes no sense" },
    ],
    tables: ["rule", "identity", "trust"],
  },
  args: runArgs,
  run({ args, data, config }) {
    if (args.mode !== "redirect")
      throw usage("usage.conflict", "with --mode anyip there is no table", "the routes are those of --fake-range");
    data.stdout.write(replacingText(parseCapture(args, parseRules(args, config))));
    return EXIT.done;
  },
});
