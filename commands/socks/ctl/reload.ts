/** `portail socks ctl reload`: the running proxy reads its files anew, and says what came of it. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { order, orderExits, orderFlags, OWN } from "./order.ts";

export default defineCommand({
  meta: {
    name: "reload",
    description: "Have the proxy read its policy and other files anew, as on SIGHUP, and wait for it",
    examples: [{ command: "portail socks ctl reload", description: "Put a changed policy in force" }],
    exits: [...orderExits, { status: EXIT.no, meaning: "what was read does not do: all stays as it was" }],
  },
  args: orderFlags,
  async run({ args, data: { stdout } }) {
    const reply = await order(args, { method: `${OWN}.Reload`, parameters: {} });
    if (args.json) stdout.write(`${JSON.stringify(reply)}\n`);
    if (reply["outcome"] === "done") return EXIT.done;
    if (args.json) return EXIT.no;
    throw new PortailError("what was read does not do: all stays as it was", {
      code: "control.kept",
      exit: EXIT.no,
      detail: String(reply["error"] ?? ""),
    });
  },
});
