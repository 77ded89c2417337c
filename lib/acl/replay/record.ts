/** What an audit line says of the request that it records, as facts to decide anew. It takes parsed JSON, not text. */
import { canonicalHost } from "../../wire/host.ts";
import { type Ip, parseIp, sameIp } from "../../wire/ip.ts";
import {
  type FactName,
  type Facts,
  type FactSpec,
  type FactValue,
  lookupFact,
  storedFact,
  valueFromJson,
} from "../facts.ts";
import { isUdp } from "../guard.ts";
import type { Exits } from "../routed.ts";
import type { Request } from "./verdict.ts";

/** A line of the event `decision`; the other fields may be anything. */
export interface DecisionLine extends Readonly<Record<string, unknown>> {
  readonly event: "decision";
  readonly command: string;
  readonly target: string;
  readonly decision: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The fields that are read, here and for what was recorded, beside `facts`. */
export const LINE_FIELDS: readonly string[] = [
  "v",
  "event",
  "command",
  "time",
  "client",
  "user",
  "protocol",
  "target",
  "dest",
  "dropped",
  "redirected",
  "decision",
  "policy",
  "route",
  "reason",
  "missing",
  "guard",
  "policies",
];

/** `other`: a line of another event. `bad`: no audit line, or one of a version that is not known here. */
export function decisionLine(line: unknown): DecisionLine | "other" | "bad" {
  if (typeof line !== "object" || line === null) return "bad";
  const { v, event, command, target, decision, facts } = line as Record<string, unknown>;
  if (v !== 1 || typeof event !== "string" || typeof command !== "string") return "bad";
  if (event !== "decision") return "other";
  const whole = typeof target === "string" && typeof decision === "string" && typeof facts === "object" && facts;
  return whole ? (line as DecisionLine) : "bad";
}

const DECIDED: ReadonlySet<FactName> = new Set<FactName>(["host", "port", "dest.ip", "route.local"]);

/** What a digest of a secret header looks like in an audit line: its value is lost. */
const DIGEST = /^sha256:[0-9a-f]{16,}$/;

/** The request of a decision line. `mentions` are the facts to read; host, port and command are always read. */
export class RecordedRequest implements Request {
  readonly facts: Facts;
  readonly line: DecisionLine;
  /** What the decided addresses belong to: the target, or where a redirect led. */
  readonly #decided: Target | undefined;

  constructor(line: DecisionLine, mentions: readonly FactName[]) {
    this.line = line;
    const facts: Record<string, FactValue> = { command: line.command };
    // What an allow hangs on, whatever policies mention.
    if (line.facts["proxy.cmd"] === "udp_associate") facts["proxy.cmd"] = "udp_associate";
    // Facts are those of the last decision: behind a redirect, its host, port and address are not what was asked for,
    // and whether a backend is used is for the new routes to say.
    const proxied = knows(line.command, "dest.ip");
    for (let i = 0; i < mentions.length; i++) {
      const name = mentions[i]!;
      if (proxied && DECIDED.has(name)) continue;
      const value = line.facts[name];
      const read =
        value === undefined
          ? fromFields(name, line)
          : isLost(name, value)
            ? undefined
            : valueFromJson(specOf(name)?.type, value);
      if (read !== undefined) facts[name] = read;
    }
    const asked = proxied ? parseTarget(line.target) : undefined;
    if (asked !== undefined) {
      facts["host"] = asked.host;
      facts["port"] = asked.port;
      if (asked.ip !== undefined) facts["dest.ip"] = asked.ip;
    }
    this.#decided = typeof line["redirected"] === "string" ? parseTarget(line["redirected"]) : asked;
    this.facts = facts as Facts;
  }

  /** Those that the line holds: the one that was connected and those that were refused, in this order. */
  addresses(host: string): readonly Ip[] | undefined {
    return host === this.#decided?.host ? decidedAddresses(this.line) : undefined;
  }

  /** The address that the line says to be one of the daemon's own listeners. */
  get ownListener(): { readonly ip: Ip; readonly port: number } | undefined {
    if (this.line["guard"] !== "own-listener" || this.#decided === undefined) return undefined;
    const ip = this.#decided.ip ?? decidedAddresses(this.line)?.[0];
    return ip && { ip, port: this.#decided.port };
  }

  /**
   * What becomes of datagrams tells of the exits of then, since no backend takes any: that the default was a backend, or
   * that a route led out directly. Undefined where nothing is told.
   */
  get exits(): Exits | undefined {
    if (!isUdp(this.facts)) return undefined;
    const isRouted = this.line["route"] !== undefined;
    if (this.line["reason"] === "backend") return isRouted ? undefined : BY_DEFAULT;
    return isRouted && this.line.decision === "allow" ? DIRECT : undefined;
  }

  /** Whether the fact may have been there, for all that the line says. `recorded`: the policies of then mentioned it. */
  lacks(fact: FactName, recorded: boolean): boolean {
    const name = storedFact(fact);
    const { line } = this;
    // An address that is not known is pending, and routes are asked anew: both are the verdict's to say.
    if (
      name === "dest.ip" ||
      name === "route.local" ||
      (this.facts as Readonly<Record<string, unknown>>)[name] !== undefined
    )
      return false;
    if (name in line.facts) return true;
    if (recorded || line["missing"] === name) return false;
    return knows(line.command, name) && !FIELDS.has(name);
  }
}

function knows(command: string, fact: FactName): boolean {
  return (specOf(fact)?.commands as readonly string[] | undefined)?.includes(command) ?? false;
}

/** Its name is in no line. */
const BY_DEFAULT: Exits = { otherwise: ["--default-backend"], isDirect: () => false };
const DIRECT: Exits = { otherwise: [], isDirect: () => true };

/** Of facts that policies mention: the same few for a million lines. */
const specs = new Map<FactName, FactSpec | undefined>();

function specOf(fact: FactName): FactSpec | undefined {
  if (!specs.has(fact)) specs.set(fact, lookupFact(fact)?.spec);
  return specs.get(fact);
}

const isLost = (name: FactName, value: unknown): boolean =>
  name.startsWith("header.") && typeof value === "string" && DIGEST.test(value);

/** Facts that a line has fields for, whether or not a policy mentioned them: absent there is absent. */
const FIELDS: ReadonlySet<FactName> = new Set<FactName>([
  "client.ip",
  "client.port",
  "client.user",
  "proxy.protocol",
  "now",
]);

function fromFields(name: FactName, line: DecisionLine): FactValue | undefined {
  if (!FIELDS.has(name)) return undefined;
  if (name === "now") return valueFromJson("instant", line["time"]);
  if (name === "client.user") return valueFromJson("string", line["user"]);
  if (name === "proxy.protocol") return valueFromJson("string", line["protocol"]);
  const client = typeof line["client"] === "string" ? splitPort(line["client"]) : undefined;
  if (client === undefined) return undefined;
  return name === "client.port" ? client.port : parseIp(client.host);
}

interface Target {
  readonly host: string;
  readonly ip?: Ip;
  readonly port: number;
}

/** `host:port` as a client asked for it, canonical. */
function parseTarget(text: string): Target | undefined {
  const parts = splitPort(text);
  const canonical = parts && canonicalHost(parts.host);
  if (parts === undefined || canonical?.host === undefined) return undefined;
  return { host: canonical.host, ...(canonical.ip && { ip: canonical.ip }), port: parts.port };
}

/** IPv6 stands in brackets, which are taken off. */
function splitPort(text: string): { host: string; port: number } | undefined {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || colon === text.length - 1 || !(port >= 0 && port <= 65_535) || !Number.isInteger(port))
    return undefined;
  const bracketed = text.charCodeAt(0) === 0x5b && text.charCodeAt(colon - 1) === 0x5d;
  return { host: bracketed ? text.slice(1, colon - 1) : text.slice(0, colon), port };
}

/** The one that was connected first, then those that were refused; undefined where the line holds none. */
function decidedAddresses(line: DecisionLine): readonly Ip[] | undefined {
  if (line["reason"] === "unresolved") return [];
  const known: Ip[] = [];
  const connected = typeof line["dest"] === "string" ? splitPort(line["dest"])?.host : undefined;
  if (connected !== undefined) addIp(known, connected);
  const decided = line.facts["dest.ip"];
  if (decided !== connected) addIp(known, decided);
  if (Array.isArray(line["dropped"]))
    for (const one of line["dropped"]) addIp(known, (one as { ip?: unknown } | null)?.ip);
  return known.length === 0 ? undefined : known;
}

function addIp(known: Ip[], text: unknown): void {
  const ip = typeof text === "string" ? parseIp(text) : undefined;
  if (ip !== undefined && !known.some((one) => sameIp(one, ip))) known.push(ip);
}
