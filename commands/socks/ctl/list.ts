/** `portail socks ctl list`: what is open now. */
import { defineCommand } from "../../../lib/command/define.ts";
import { EXIT } from "../../../lib/command/errors.ts";
import { printableLine } from "../../../lib/command/log.ts";
import type { JsonObject } from "../../../lib/wire/varlink.ts";
import { bytes } from "../live.ts";
import { age, order, orderExits, orderFlags, OWN, tableText } from "./order.ts";

export default defineCommand({
  meta: {
    name: "list",
    description: "Show what is open: who, where to, by which policy, how much and how long",
    examples: [
      { command: "portail socks ctl list", description: "Show it as a table" },
      { command: "portail socks ctl list --json", description: "Write a line of JSON for each" },
    ],
    exits: orderExits,
  },
  args: orderFlags,
  async run({ args, data: { stdout } }) {
    const rows: string[][] = [];
    const take = ({ connections }: JsonObject) => {
      for (const one of (connections ?? []) as JsonObject[]) {
        if (args.json) stdout.write(`${JSON.stringify(one)}\n`);
        else rows.push(rowOf(one));
      }
    };
    take(await order(args, { method: `${OWN}.ListConnections`, parameters: {}, more: take }));
    if (!args.json) stdout.write(tableText(HEAD, rows));
    return EXIT.done;
  },
});

const HEAD = ["SESSION", "CLIENT", "STATE", "TARGET", "VIA", "POLICY", "OUT", "IN", "AGE"];

function rowOf(one: JsonObject): string[] {
  const text = (name: string) => printableLine(String(one[name] ?? ""));
  const who = one["user"] ?? one["certificate"];
  const client = who === undefined ? text("client") : `${printableLine(String(who))}@${text("client")}`;
  const opened = one["dest"] !== undefined;
  const via = opened ? text("backend") || "direct" : "";
  const traffic = opened ? [bytes(Number(one["sent"])), bytes(Number(one["received"]))] : ["", ""];
  return [text("session"), client, text("state"), text("target"), via, text("policy"), ...traffic, age(one["age"])];
}
