/** `portail socks ctl set-default`: another backend for what no route leads elsewhere. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { BACKENDS, order, orderExits, orderFlags } from "./order.ts";

export default defineCommand({
  meta: {
    name: "set-default",
    description: "Make a backend the default, until the proxy ends",
    examples: [{ command: "portail socks ctl set-default paris", description: "Go through paris from now on" }],
    exits: [...orderExits, { status: EXIT.no, meaning: "there is no such backend" }],
  },
  args: {
    backend: {
      type: "positional",
      required: true,
      values: "running-backends",
      description: "Its name in the configuration",
    },
    ...orderFlags,
  },
  async run({ args, data: { stdout } }) {
    await order(args, { method: `${BACKENDS}.SetDefaultBackend`, parameters: { backend_id: args.backend } });
    if (args.json) stdout.write(`${JSON.stringify({ default: args.backend })}\n`);
    return EXIT.done;
  },
});
