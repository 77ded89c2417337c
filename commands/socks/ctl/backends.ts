/** `portail socks ctl backends`: which there are, which is the default, and how they are. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { printableLine } from "../../../lib/command/log.ts";
import type { JsonObject } from "../../../lib/wire/varlink.ts";
import { age, order, orderExits, orderFlags, OWN, tableText } from "./order.ts";

export default defineCommand({
  meta: {
    name: "backends",
    description: "Show the backends and how they are, the default marked with *",
    examples: [{ command: "portail socks ctl backends", description: "Show where requests may go through" }],
    exits: orderExits,
  },
  args: orderFlags,
  async run({ args, data: { stdout } }) {
    const { backends } = await order(args, { method: `${OWN}.ListBackends`, parameters: {} });
    const all = (backends ?? []) as JsonObject[];
    stdout.write(
      args.json
        ? `${JSON.stringify(all)}\n`
        : tableText(
            [...HEAD, "STATE"],
            all.map((one) => [...rowOf(one), stateOf(one)]),
          ),
    );
    return EXIT.done;
  },
});

/** The backends of the reference's reply as a table. */
export function backendsText(backends: readonly JsonObject[]): string {
  return tableText(HEAD, backends.map(rowOf));
}

const HEAD = ["", "BACKEND", "KIND", "TARGET", "TLS"];

function rowOf({ id, current, dynamic, spec }: JsonObject): string[] {
  const {
    target_address: target = "nowhere yet",
    identity_aware: tls,
    tls_server_name: name,
  } = (spec ?? {}) as JsonObject;
  const shown = tls !== true ? "" : name === undefined || name === null ? "yes" : String(name);
  return [current === true ? "*" : "", String(id), dynamic === true ? "dynamic" : "static", String(target), shown].map(
    printableLine,
  );
}

/** By its checks; what requests have found out stands where these find nothing. */
function stateOf({ health, error, age: ms, left_alone: isLeftAlone }: JsonObject): string {
  if (health === "down") return printableLine(`down ${age(ms)}: ${String(error)}`);
  if (isLeftAlone === true) return "left alone";
  return health === "up" ? `up ${age(ms)}` : "";
}
