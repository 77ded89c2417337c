/** `portail socks ctl explain`: what the running proxy would decide, and why. */
import { usage } from "../../../lib/command/argv.ts";
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { parseEndpoint } from "../../../lib/net/endpoint.ts";
import { order, orderExits, orderFlags, OWN } from "./order.ts";

export default defineCommand({
  meta: {
    name: "explain",
    description: "Ask the running proxy what it would decide, and why",
    long: `The policy, the resolver and the addresses are those of the proxy at this moment; nothing is connected. What is not
given is as of a SOCKS5 client of nobody in particular. Marks are those of "portail acl explain".`,
    examples: [
      {
        command: "portail socks ctl explain git.corp.test:22 --user alice",
        description: "Ask why a user cannot get there",
      },
      {
        command: "portail socks ctl explain 10.0.0.1:443 client.ip=192.0.2.7 --exit-status",
        description: "Let a script ask",
      },
    ],
    exits: [
      ...orderExits,
      { status: EXIT.no, meaning: "with --exit-status, the request is not allowed" },
      { status: EXIT.badData, meaning: "the facts do not make a request" },
    ],
  },
  args: {
    target: { type: "positional", required: true, valueHint: "HOST:PORT", description: "Where the request goes" },
    facts: {
      type: "positional",
      multiple: true,
      valueHint: "FACT=VALUE",
      values: "facts",
      description: "What else is known of it, as for portail acl explain",
    },
    user: { type: "string", valueHint: "NAME", description: "The user who asks" },
    all: { type: "boolean", description: "Show every policy and every step" },
    "exit-status": { type: "boolean", description: "Exit with 1 unless the request is allowed" },
    ...orderFlags,
  },
  async run({ args, data: { stdout } }) {
    const target = parseEndpoint(args.target, "the target");
    if (target.kind !== "tcp") throw usage("usage.value", `${JSON.stringify(args.target)} is no HOST:PORT`);
    const { host, port } = target;
    const { user, facts, all } = args;
    const parameters = { host, port, facts, all, ...(user !== undefined && { user }) };
    const { text, ...reply } = await order(args, { method: `${OWN}.ExplainRequest`, parameters });
    stdout.write(args.json ? `${JSON.stringify(reply)}\n` : String(text));
    return args["exit-status"] && reply["decision"] !== "allow" ? EXIT.no : EXIT.done;
  },
});
