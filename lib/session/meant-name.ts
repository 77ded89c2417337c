/** Which name a client means, by its first bytes: the server name of its hello, or the Host of its first request. Its own word, which proves nothing. */
import { canonicalHost } from "../wire/host.ts";
import { decodeAuthority, findHeadEnd } from "../wire/http-connect.ts";
import type { FirstBytesName } from "./first-bytes.ts";
import { OpeningReader } from "./opening.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

type Step = Exclude<PrefaceStep<string, "no_name">, { type: "send" }>;

const TOLD: ReadonlySet<FirstBytesName> = new Set<FirstBytesName>(["tls", "http"]);
/** Bytes of a hello, or of the head of a request, that are waited for. */
const LONGEST = 16 * 1024;

/** Comes to the name, canonical; all that was read is behind it. */
export class MeantName implements Preface<string, "no_name"> {
  readonly #head = new Prefix();
  /** Until it is clear that a request has begun. */
  #opening: OpeningReader | undefined = new OpeningReader({ names: TOLD, patterns: [] }, LONGEST);
  #over = false;

  start(): [] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#over || bytes.length === 0) return [];
    const step = this.#opening === undefined ? this.#request(bytes) : this.#open(this.#opening, bytes);
    this.#over = step !== undefined;
    return step === undefined ? [] : [step];
  }

  ended(): Step {
    return none("the client left before it said a name");
  }

  #open(opening: OpeningReader, bytes: Uint8Array): Step | undefined {
    const [step] = opening.receive(bytes);
    if (step === undefined) return undefined;
    if (step.type === "fail") return none(step.reason);
    const { hello } = step.value;
    if (hello !== undefined) return named(hello.serverName, step.rest);
    this.#opening = undefined;
    return this.#request(step.rest);
  }

  #request(bytes: Uint8Array): Step | undefined {
    const held = this.#head.append(bytes);
    const end = findHeadEnd(held, 0);
    if (end > 0 && end <= LONGEST) return named(hostOf(held.subarray(0, end)), held);
    return end > 0 || held.length > LONGEST ? none("the head of the client's request is too long") : undefined;
  }
}

/** Without its port; undefined where there is not exactly one, or a line makes no sense. */
function hostOf(head: Uint8Array): string | undefined {
  const values: string[] = [];
  for (const line of Buffer.from(head).toString("latin1").trimEnd().split("\n").slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (name === "" || name !== name.trim()) return undefined;
    if (name === "host") values.push(line.slice(colon + 1).trim());
  }
  const [value] = values;
  if (value === undefined || values.length > 1) return undefined;
  const bytes = Buffer.from(value, "latin1");
  const authority = decodeAuthority(bytes, 0, bytes.length, 80);
  return typeof authority === "string" ? undefined : authority.host;
}

function named(text: string | undefined, rest: Uint8Array): Step {
  const { host } = canonicalHost(text ?? "");
  return host === undefined ? none("the client says no name") : { type: "done", value: host, rest };
}

function none(reason: string): Step {
  return { type: "fail", code: "no_name", reason };
}
