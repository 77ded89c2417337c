/** `portail socks ctl unset-default`: no default backend. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { BACKENDS, order, orderExits, orderFlags } from "./order.ts";

export default defineCommand({
  meta: {
    name: "unset-default",
    description: "Have no default backend, until the proxy ends",
    examples: [{ command: "portail socks ctl unset-default", description: "Leave it to the routes" }],
    exits: orderExits,
  },
  args: orderFlags,
  async run({ args, data: { stdout } }) {
    await order(args, { method: `${BACKENDS}.SetDefaultBackend`, parameters: { backend_id: null } });
    if (args.json) stdout.write(`${JSON.stringify({ default: null })}\n`);
    return EXIT.done;
  },
});
