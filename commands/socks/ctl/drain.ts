/** `portail socks ctl drain`: the running proxy accepts nothing more, and ends when all that is open has. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { order, orderExits, orderFlags, OWN } from "./order.ts";

export default defineCommand({
  meta: {
    name: "drain",
    description: "Have the proxy accept nothing more and end when what is open has ended, as on SIGTERM",
    examples: [{ command: "portail socks ctl drain", description: "Begin the end, and come back at once" }],
    exits: orderExits,
  },
  args: orderFlags,
  async run({ args, data: { stdout } }) {
    const reply = await order(args, { method: `${OWN}.Drain`, parameters: {} });
    stdout.write(args.json ? `${JSON.stringify(reply)}\n` : `${String(reply["open"])} open\n`);
    return EXIT.done;
  },
});
