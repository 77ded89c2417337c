/** Which connections a rule takes: by name, port, and whose they are. Knows neither TLS nor files. */
import type { NameGlob } from "../../lib/identity/name-glob.ts";
import type { SocketProcess } from "../../lib/service/socket-user.ts";
import { AmbiguousName, Refusal } from "./refusal.ts";

/** Whose a connection is, as far as anybody asked. */
export interface Client {
  uid: number;
  /** Absent where no rule, policy or record needs it, or where it could not be found. */
  process?: SocketProcess | undefined;
}

export interface RuleMatch {
  /** Of log, audit and metrics. */
  readonly name: string;
  /** Empty takes every name. */
  readonly names: readonly NameGlob[];
  /** The port that is captured, and the one that is dialled. */
  readonly ports: ReadonlyMap<number, number>;
  /** Whether it takes all other ports too, of addresses that stand for names, and leaves what comes there as it is. */
  readonly passthrough: boolean;
  /** Of users, groups and control groups; all that are not empty must agree. */
  readonly users: readonly number[];
  readonly groups: readonly number[];
  readonly cgroups: readonly string[];
}

/** Whether the user must be known to choose a rule. */
export function asksUser({ users, groups, cgroups }: RuleMatch): boolean {
  return users.length + groups.length + cgroups.length > 0;
}

/** Whether the process must be: that costs a search. */
export function asksProcess({ groups, cgroups }: RuleMatch): boolean {
  return groups.length + cgroups.length > 0;
}

export interface Choice<R> {
  rule: R;
  /** What the client meant. */
  host: string;
}

/**
 * The first rule that takes a connection to `port` of what `hosts` are the names of. Of several names that rules know none
 * is taken: which was meant is not clear (`AmbiguousName`). `fake`: whether the address stands for a name and is nobody's.
 * Takes time in proportion to the number of rules.
 */
export function chooseRule<R extends RuleMatch>(
  rules: readonly R[],
  port: number,
  hosts: readonly string[],
  client: Client | undefined,
  fake: boolean,
): Choice<R> | Refusal {
  const open = rules.filter(({ ports, passthrough }) => ports.has(port) || (passthrough && fake));
  if (open.length === 0) return new Refusal("no_rule", `no rule takes port ${port}`);
  if (hosts.length === 0) return new Refusal("unknown_name", "the address stands for no name that is known");
  const known = hosts.filter((host) => open.some((rule) => takesName(rule, host)));
  const [host] = known;
  if (host === undefined) return new Refusal("no_rule", `no rule takes ${quoted(hosts)}`);
  if (known.length > 1) return new AmbiguousName(known);
  const rule = open.find((candidate) => takesName(candidate, host) && takesClient(candidate, client));
  if (rule !== undefined) return { rule, host };
  if (client === undefined) return new Refusal("client_unknown", "whose connection it is could not be found");
  return new Refusal("no_rule", `no rule takes ${quoted([host])} of user ${client.uid}`);
}

function takesName({ names }: RuleMatch, host: string): boolean {
  return names.length === 0 || names.some((glob) => glob.matches(host));
}

function takesClient(rule: RuleMatch, client: Client | undefined): boolean {
  if (!asksUser(rule)) return true;
  if (client === undefined) return false;
  const { users, groups, cgroups } = rule;
  const { uid, process } = client;
  if (users.length > 0 && !users.includes(uid)) return false;
  if (groups.length > 0 && !groups.some((gid) => process?.groups.includes(gid))) return false;
  return cgroups.length === 0 || cgroups.some((path) => isBelow(process?.cgroup, path));
}

/** `path` has no slash at its ends. */
function isBelow(cgroup: string | undefined, path: string): boolean {
  return cgroup === `/${path}` || cgroup?.startsWith(`/${path}/`) === true;
}

function quoted(hosts: readonly string[]): string {
  return hosts.map((host) => JSON.stringify(host)).join(", ");
}
