/** Values that a shell offers by name: out of files, of a proxy that runs, and of the program itself. Throws where there are none to be had. */

import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TomlTable, TomlValue } from "smol-toml";
import type { Item } from "../../lib/acl/ast.ts";
import type { ValueSource } from "../../lib/command/define.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";

export interface Offer {
  value: string;
  /** One line for people. */
  about?: string;
}

interface Asking {
  /** What the command line, the environment and the definitions give, by definition name. */
  given(name: string): readonly string[];
  runtime: Pick<Runtime, "cwd" | "env">;
}

/** A shell waits for the answer: what is larger is not read. */
const MOST_BYTES = 4 * 2 ** 20;
/** Milliseconds for a proxy to answer. */
const PATIENCE = 1000;

/** Finds the values of each source. */
export const VALUES: Record<ValueSource, (asking: Asking) => Promise<Offer[]>> = {
  backends: async (asking) => {
    const rows = Object.entries(tableOf((await configOf(asking))["backend"]));
    const direct = { value: "direct", about: "without a backend" };
    return [direct, ...rows.map(([value, row]) => offer(value, textOf(tableOf(row)["target"])))];
  },
  cases: async (asking) => {
    const tests = (await itemsOf(asking)).flatMap((item) => (item.kind === "test" ? [item.name.value] : []));
    const files = await Promise.all(asking.given("cases").map((path) => tomlOf(asking, path)));
    return [...tests, ...files.flatMap(({ test }) => listOf(test).map((row) => textOf(tableOf(row)["name"])))].map(
      plain,
    );
  },
  "doctor-commands": async () => {
    const { COMMANDS } = await import("../../commands/doctor/finding.ts");
    return COMMANDS.map(plain);
  },
  facts: async () => {
    const { FACTS, FAMILIES } = await import("../../lib/acl/facts.ts");
    const facts = Object.entries(FACTS).map(([name, { doc }]) => ({ value: `${name}=`, about: doc }));
    const families = Object.entries(FAMILIES).map(([name, { doc }]) => ({ value: `${name}.`, about: doc }));
    return [...facts, ...families];
  },
  "key-ids": async (asking) => {
    const ids = Object.keys(tableOf((await tomlOf(asking, asking.given("keyring-file")[0]))["keys"]));
    const ordered = ids.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    return ordered.map((value, index) => offer(value, index === ordered.length - 1 ? "newest" : ""));
  },
  "lint-rules": async () => {
    const { RULES } = await import("../../lib/acl/lint/engine/rules.ts");
    return RULES.map(({ id, summary }) => ({ value: id, about: summary }));
  },
  listeners: async (asking) => {
    const config = await configOf(asking);
    const own = listOf(config["route"]).map((row) => tableOf(row)["listen"]);
    return [...asking.given("listen"), ...[config["listen"], ...own].flatMap(listOf).map(textOf)].map(plain);
  },
  policies: async (asking) => {
    return (await itemsOf(asking)).flatMap((item) => (item.kind === "policy" ? [plain(item.name.text)] : []));
  },
  "policy-commands": async () => {
    const { FACTS } = await import("../../lib/acl/facts.ts");
    return FACTS.command.commands.map(plain);
  },
  "preset-targets": async () => {
    const { presetTargets } = await import("../../lib/command/preset-keys.ts");
    return Object.entries(presetTargets).map(([name, { description }]) => ({ value: `${name}=`, about: description }));
  },
  "protocol-ids": async (asking) => (await ofRoutes(asking, "alpn")).filter(({ value }) => !value.includes("*")),
  "running-backends": async (asking) => {
    const { BACKENDS } = await import("../../commands/socks/ctl/order.ts");
    const { backends } = await orderOf(asking, `${BACKENDS}.ListBackends`);
    return ((backends ?? []) as JsonObject[]).map(({ id, dynamic, current }) =>
      offer(String(id), current === true ? "the default" : dynamic === true ? "dynamic" : ""),
    );
  },
  "sample-policy": async () => {
    const { BUILTIN_SAMPLE } = await import("../../lib/acl/sample.ts");
    return [offer(BUILTIN_SAMPLE, "one to try things with")];
  },
  "server-names": async (asking) => (await ofRoutes(asking, "server-name")).filter(({ value }) => !value.includes("*")),
  sessions: async (asking) => {
    const { OWN } = await import("../../commands/socks/ctl/order.ts");
    const found: JsonObject[] = [];
    const take = ({ connections }: JsonObject) => found.push(...((connections ?? []) as JsonObject[]));
    take(await orderOf(asking, `${OWN}.ListConnections`, take));
    return found.map(({ session, target, user, certificate, client }) =>
      offer(String(session), [user ?? certificate ?? client, target].filter((part) => part !== undefined).join(" to ")),
    );
  },
  "used-backends": async (asking) => {
    const routes = (await itemsOf(asking)).flatMap((item) => (item.kind === "route" ? item.clauses : []));
    return routes.flatMap((clause) => (clause.kind === "use" ? clause.backends.map(({ value }) => plain(value)) : []));
  },
};

const plain = (value: string): Offer => ({ value });
const offer = (value: string, about: string): Offer => (about === "" ? { value } : { value, about });

/** Of all routes of the configuration, with the names of the routes. */
async function ofRoutes(asking: Asking, key: string): Promise<Offer[]> {
  const rows = listOf((await configOf(asking))["route"]).map(tableOf);
  return rows.flatMap((row) => {
    const name = textOf(row["name"]);
    return listOf(row[key] ?? row[key.replaceAll("-", "_")]).map((value) => offer(textOf(value), name));
  });
}

const configOf = (asking: Asking): Promise<TomlTable> => tomlOf(asking, asking.given("config")[0]);

async function tomlOf(asking: Asking, path: string | undefined): Promise<TomlTable> {
  if (path === undefined) return {};
  const { parse } = await import("smol-toml");
  return parse(readSmall(asking, path));
}

/** What the policies of the command line hold, with their includes; a broken one gives what could be read of it. */
async function itemsOf(asking: Asking): Promise<Item[]> {
  const { loadPolicy } = await import("../../lib/acl/load.ts");
  const paths = [...asking.given("policy"), ...asking.given("policies")];
  return paths.flatMap((path) =>
    loadPolicy(path, (file) => readSmall(asking, file)).files.flatMap(({ items }) => items),
  );
}

/** A regular file alone: a named pipe would hold up the shell. */
function readSmall({ runtime: { cwd, env } }: Asking, path: string): string {
  const home = env["HOME"];
  const file = path.startsWith("~/") && home ? join(home, path.slice(2)) : resolve(cwd, path);
  const { size, isFile } = fileKind(file);
  if (!isFile || size > MOST_BYTES) throw new Error(`${path} is not read here`);
  return readFileSync(file, "utf8");
}

function fileKind(file: string): { size: number; isFile: boolean } {
  const stats = statSync(file);
  return { size: stats.size, isFile: stats.isFile() };
}

async function orderOf(
  { given }: Asking,
  method: string,
  more?: (parameters: JsonObject) => unknown,
): Promise<JsonObject> {
  const { order, orderAt } = await import("../../commands/socks/ctl/order.ts");
  const request = { method, parameters: {}, ...(more && { more: (reply: JsonObject) => void more(reply) }) };
  const [path] = given("rpc-socket");
  const [control = ""] = given("control");
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error("no answer came")), PATIENCE);
  });
  return Promise.race([late, path === undefined ? order({ control }, request) : orderAt(path, request)]);
}

const tableOf = (value: TomlValue | undefined): TomlTable =>
  typeof value === "object" && !Array.isArray(value) && !(value instanceof Date) ? (value as TomlTable) : {};
const listOf = (value: TomlValue | undefined): TomlValue[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
const textOf = (value: TomlValue | undefined): string => (typeof value === "string" ? value : "");
