/** Which lines are wanted: all that is given must hold, and of a flag that is repeated one value. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseDuration } from "../../lib/command/values.ts";
import { cidrContains, parseCidrLoosely, parseIp, sameIp } from "../../lib/wire/ip.ts";
import { clientAddress, textOf, type AuditLine } from "./line.ts";
import { Where } from "./where.ts";

type Test = (line: AuditLine) => boolean;

interface FilterArgs {
  readonly event: readonly string[];
  readonly decision: readonly string[];
  readonly policy: readonly string[];
  readonly client: readonly string[];
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly where: string | undefined;
}

export interface Filter {
  matches: Test;
  where: Where | undefined;
}

/** What `--policy` calls the denial at the end. */
const DEFAULT = "default";

/** `now` in milliseconds. Throws PortailError (64). */
export function parseFilter(args: FilterArgs, now: number): Filter {
  const tests: Test[] = [];
  const { event, decision, policy } = args;
  if (event.length > 0) tests.push((line) => event.includes(line.event));
  if (decision.length > 0) tests.push((line) => decision.includes(textOf(line, "decision") ?? ""));
  if (policy.length > 0) {
    tests.push((line) => {
      const decided = line["policy"];
      return decided === null ? policy.includes(DEFAULT) : typeof decided === "string" && policy.includes(decided);
    });
  }
  const clients = args.client.map(clientTest);
  if (clients.length > 0) tests.push((line) => clients.some((test) => test(line)));
  const since = args.since === undefined ? undefined : parseTime("--since", args.since, now);
  const until = args.until === undefined ? undefined : parseTime("--until", args.until, now);
  if (since !== undefined) tests.push(({ time }) => Date.parse(time) >= since);
  if (until !== undefined) tests.push(({ time }) => Date.parse(time) < until);
  const where = args.where === undefined ? undefined : new Where(args.where);
  if (where !== undefined) tests.push((line) => where.matches(line));
  return { matches: (line) => tests.every((test) => test(line)), where };
}

/** An address, a network, or the name of a user. */
function clientTest(text: string): Test {
  const ip = parseIp(text);
  const network = ip === undefined && text.includes("/") ? parseCidrLoosely(text) : undefined;
  if (ip === undefined && network === undefined) {
    return (line) => textOf(line, "client") === text || textOf(line, "user") === text;
  }
  return (line) => {
    const address = clientAddress(line);
    const client = address === undefined ? undefined : parseIp(address);
    if (client === undefined) return false;
    return ip === undefined ? cidrContains(network!, client) : sameIp(ip, client);
  };
}

/** An instant (RFC 3339, or a date), or a duration before now. */
function parseTime(flag: string, text: string, now: number): number {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const instant = Date.parse(text);
    if (Number.isFinite(instant)) return instant;
  } else if (/^\d/.test(text)) return now - parseDuration(flag, text);
  throw new PortailError(`${flag}: ${JSON.stringify(text)} is no time`, {
    code: "usage.value",
    exit: EXIT.usage,
    hint: "write a time such as 2026-01-31T18:00:00Z or 2026-01-31, or how long ago, e.g. 24h",
  });
}
