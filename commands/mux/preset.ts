/** `portail mux preset`: the routes of a preset as TOML, to start from. Listens nowhere, and connects to nothing. */
import { stringify } from "smol-toml";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { presetArgs } from "./flags.ts";
import { presetRoutes } from "./route-preset.ts";

export default defineCommand({
  meta: {
    name: "preset",
    description: "Print the routes of a preset as a configuration, to start from",
    long: `A preset is a set of routes for which the targets alone are to be named: by --preset-target or in a [preset.NAME] table.
Without a single target it is printed as it is shipped, with all of them on this host.

teleport has the protocol ids and server names of Teleport's TLS routing (RFD 39).`,
    examples: [
      { command: "portail mux preset teleport", description: "All of it, to be changed" },
      {
        command: "portail mux preset teleport --preset-target web=localhost:3080 --preset-target ssh=localhost:3023",
        description: "What serve would make of these targets",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "it is printed" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.noInput, meaning: "the configuration cannot be read" },
      { status: EXIT.config, meaning: "the [preset.NAME] table makes no sense" },
    ],
    tables: ["preset", "route", "identity", "trust"],
  },
  args: presetArgs,
  run({ args, data, config }) {
    const preset = parseChoice("NAME", args.name, ["teleport"]);
    const routes = presetRoutes({ preset, "preset-target": args["preset-target"] }, config, "show");
    const tables = routes.map(({ note, keys }) => `# ${note}\n${stringify({ route: [keys] }).trim()}\n`);
    data.stdout.write(`${HEAD}\n${tables.join("\n")}`);
    return EXIT.done;
  },
});

const HEAD = `# listen = ":443"
# cert = "server.pem"
# key = "server.key"
`;
