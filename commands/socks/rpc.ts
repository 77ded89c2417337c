/** `portail rpc`: the orders of cloud-gouv/portail under their own words, to its control socket or ours. */
import type { ArgDefinitions, Command, CommandMeta, ParsedArgs } from "../../lib/command/define.ts";
import { defineCommand, defineGroup } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";
import { BACKENDS, orderAt, orderExits } from "./ctl/order.ts";
import { backendsText } from "./ctl/backends.ts";

const flags = {
  "rpc-socket": {
    type: "string",
    default: "/run/fr.gouv.portail.Control",
    valueHint: "PATH",
    description: "The control socket",
  },
  json: { type: "boolean", description: "Write JSON for programs" },
} as const satisfies ArgDefinitions;

const backend = {
  type: "positional",
  required: true,
  valueHint: "ID",
  values: "running-backends",
  description: "The backend's name",
} as const;
const missing = { status: EXIT.no, meaning: "there is no such backend" } as const;

export default defineGroup({
  meta: { name: "rpc", description: "Give a running portail daemon orders, as cloud-gouv/portail has them" },
  commands: {
    "print-current-backend": async () => printCurrent,
    "set-default-backend": async () => setDefault,
    "unset-default-backend": async () => unsetDefault,
    "list-backends": async () => list,
    "update-dynamic-backend": async () => update,
  },
  early: async () => flags,
});

const printCurrent = defineCommand({
  meta: described("print-current-backend", "Print the default backend, or <none>"),
  args: flags,
  async run({ args, data }) {
    const reply = await ask(args, "GetCurrentBackend", {});
    const id = reply["backend_id"];
    data.stdout.write(args.json ? `${JSON.stringify({ backend_id: id })}\n` : `${String(id)}\n`);
    return EXIT.done;
  },
});

const setDefault = defineCommand({
  meta: described("set-default-backend", "Make a backend the default", " paris", missing),
  args: { backend, ...flags },
  async run({ args, data }) {
    await ask(args, "SetDefaultBackend", { backend_id: args.backend });
    return succeeded(args, data);
  },
});

const unsetDefault = defineCommand({
  meta: described("unset-default-backend", "Have no default backend"),
  args: flags,
  async run({ args, data }) {
    await ask(args, "SetDefaultBackend", { backend_id: null });
    return succeeded(args, data);
  },
});

const list = defineCommand({
  meta: described("list-backends", "Show the backends, the default marked with *"),
  args: flags,
  async run({ args, data }) {
    const { backends } = await ask(args, "ListBackends", {});
    const all = (backends ?? []) as JsonObject[];
    data.stdout.write(args.json ? `${JSON.stringify(all)}\n` : backendsText(all));
    return EXIT.done;
  },
});

const update = defineCommand({
  meta: described(
    "update-dynamic-backend",
    "Lead a dynamic backend elsewhere",
    " hub --target-address 192.0.2.9:1080",
    {
      status: EXIT.no,
      meaning: "there is no such backend, or it is not dynamic",
    },
  ),
  args: {
    backend,
    "target-address": { type: "string", required: true, valueHint: "IP:PORT", description: "Where it leads" },
    ...flags,
  },
  async run({ args, data }) {
    const spec = { target_address: args["target-address"], identity_aware: false };
    await ask(args, "UpdateDynamicBackend", { backend_id: args.backend, backend_spec: spec });
    return succeeded(args, data);
  },
});

function described(name: string, description: string, rest = "", exit?: CommandMeta["exits"][number]): Command["meta"] {
  return {
    name,
    description,
    examples: [{ command: `portail rpc --json ${name}${rest}`, description: "Do it from a script" }],
    exits: [...orderExits, ...(exit === undefined ? [] : [exit])],
  };
}

function ask(given: ParsedArgs<typeof flags>, method: string, parameters: JsonObject): Promise<JsonObject> {
  return orderAt(given["rpc-socket"], { method: `${BACKENDS}.${method}`, parameters });
}

function succeeded({ json }: { json: boolean }, { stdout }: Runtime): number {
  if (json) stdout.write(`${JSON.stringify({ success: true })}\n`);
  return EXIT.done;
}
