/** `portail mux check`: whether the routes of a file can be served, what two of them take, and which are never reached. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { formatEndpoint } from "../../lib/net/endpoint.ts";
import { serveArgs } from "./flags.ts";
import { readPlaces } from "./read-places.ts";
import { RouteTable } from "./routes/table.ts";
import { parseMux, parsePlaces, type Place } from "./settings.ts";

export default defineCommand({
  meta: {
    name: "check",
    description: "Check routes: values, files, overlaps, and routes that are never reached",
    long: `Reads the configuration with all certificates, keys, trust and policies that it names, as serve does at its start, but
listens nowhere and connects to nothing. It takes the flags of serve, too.`,
    examples: [{ command: "portail mux check --config mux.toml", description: "Before a reload" }],
    exits: [
      { status: EXIT.done, meaning: "the routes can be served" },
      { status: EXIT.no, meaning: "two routes take the same" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "a certificate, key, revocation list or policy is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.config, meaning: "a route makes no sense" },
    ],
    tables: ["route", "preset", "identity", "trust"],
  },
  args: serveArgs,
  async run({ args, data, config }) {
    parseMux(args);
    const places = parsePlaces(args, config);
    const lines = places.flatMap(findings);
    data.stdout.write(lines.map((line) => `${line}\n`).join(""));
    if (lines.length > 0) return EXIT.no;
    await readPlaces(places, args, data);
    for (const { endpoint, routes } of places)
      data.stdout.write(`${formatEndpoint(endpoint)}: ${routes.length} ${routes.length === 1 ? "route" : "routes"}\n`);
    return EXIT.done;
  },
});

function findings({ endpoint, routes }: Place): string[] {
  const { overlaps, unreachable } = new RouteTable(routes);
  const at = formatEndpoint(endpoint);
  const taken = overlaps.map(({ first, second, what }) => `${at}: ${first.name} and ${second.name} both take ${what}`);
  const lost = unreachable.map((route) => {
    const before = new Set(overlaps.filter(({ second }) => second === route).map(({ first }) => first.name));
    const by = before.size === 0 ? "exact names and wildcards have" : `${[...before].join(", ")} took`;
    return `${at}: ${route.name} is never reached: ${by} all that it would take`;
  });
  return [
    ...taken,
    ...(taken.length > 0
      ? ["  hint: take it from one of them, or give one a server name or protocol ids of its own"]
      : []),
    ...lost,
    ...(lost.length > 0 ? ["  hint: leave it out, or narrow what takes its clients"] : []),
  ];
}
