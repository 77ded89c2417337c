/** `portail socks ctl update-backend`: leads a dynamic backend somewhere else. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { BACKENDS, order, orderExits, orderFlags } from "./order.ts";

export default defineCommand({
  meta: {
    name: "update-backend",
    description: "Lead a dynamic backend somewhere else, until the proxy ends",
    examples: [
      { command: "portail socks ctl update-backend hub 192.0.2.9:1080", description: "A hub that has moved" },
      {
        command: "portail socks ctl update-backend hub 192.0.2.9:443 --tls --server-name hub.corp.test",
        description: "The same over TLS",
      },
    ],
    exits: [
      ...orderExits,
      { status: EXIT.no, meaning: "there is no such backend, or it is not dynamic" },
      { status: EXIT.badData, meaning: "the proxy does not take the address or the name" },
    ],
  },
  args: {
    backend: {
      type: "positional",
      required: true,
      values: "running-backends",
      description: "Its name in the configuration",
    },
    target: { type: "positional", required: true, valueHint: "IP:PORT", description: "Where it leads" },
    tls: { type: "boolean", description: "Speak TLS to it" },
    "server-name": { type: "string", valueHint: "NAME", description: "Name that its certificate must carry" },
    ...orderFlags,
  },
  async run({ args, data: { stdout } }) {
    const { backend, target, tls, "server-name": name } = args;
    const spec = { target_address: target, identity_aware: tls, ...(name !== undefined && { tls_server_name: name }) };
    const parameters = { backend_id: backend, backend_spec: spec };
    await order(args, { method: `${BACKENDS}.UpdateDynamicBackend`, parameters });
    if (args.json) stdout.write(`${JSON.stringify({ backend, target })}\n`);
    return EXIT.done;
  },
});
