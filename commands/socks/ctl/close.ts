/** `portail socks ctl close`: cuts what is open under a session. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { order, orderExits, orderFlags, OWN } from "./order.ts";

export default defineCommand({
  meta: {
    name: "close",
    description: "Cut what is open under a session",
    examples: [{ command: "portail socks ctl close 1f0c9a2e-4k", description: "End one that the list shows" }],
    exits: [...orderExits, { status: EXIT.no, meaning: "nothing is open under that session" }],
  },
  args: {
    session: {
      type: "positional",
      required: true,
      values: "sessions",
      description: "As the list and the audit name it",
    },
    ...orderFlags,
  },
  async run({ args, data: { stdout } }) {
    const reply = await order(args, { method: `${OWN}.CloseConnection`, parameters: { session: args.session } });
    if (args.json) stdout.write(`${JSON.stringify(reply)}\n`);
    return EXIT.done;
  },
});
