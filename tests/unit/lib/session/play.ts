/** Plays a client's bytes into a session and notes what it asks for. Decides nothing. */
import type { FrontSession, ProxyRequest, Step } from "../../../../lib/session/front.ts";
import { formatIp } from "../../../../lib/wire/ip.ts";

/** A step for comparison: bytes as hexadecimal digits, a password as text. */
export type Noted =
  | { send: string }
  | { authenticate: [user: string, password: string] }
  | { request: object }
  | { associate: { ip: string | undefined; port: number } }
  | { fail: string; bytes: string | undefined };

export interface Played {
  steps: Noted[];
  /** What stands behind the request, as text. */
  rest: string;
}

/** Feeds the pieces in turn; `authenticate` steps are answered with `accepted` at once. */
export function play(session: FrontSession, pieces: readonly Uint8Array[], accepted = true): Played {
  const steps: Noted[] = [];
  const take = (more: readonly Step[]) => {
    for (const step of more) {
      steps.push(note(step));
      if (step.type === "authenticate") take(session.authenticated(accepted));
    }
  };
  for (const piece of pieces) take(session.receive(piece));
  return { steps, rest: Buffer.from(session.rest).toString("latin1") };
}

function note(step: Step): Noted {
  switch (step.type) {
    case "send":
      return { send: digits(step.bytes) };
    case "authenticate":
      return { authenticate: [step.user, Buffer.from(step.password).toString("latin1")] };
    case "request":
      return { request: plain(step.request) };
    case "associate":
      return { associate: { ...step.source, ip: step.source.ip && formatIp(step.source.ip) } };
    case "fail":
      return { fail: step.reason, bytes: step.bytes === undefined ? undefined : digits(step.bytes) };
  }
}

/** An address is told by its text, field lines are taken apart; what is absent is left out. */
function plain({ ip, http, ...request }: ProxyRequest): object {
  const shown = http === undefined ? undefined : { ...http, headers: http.headers() };
  return { ...request, http: shown, ...(ip === undefined ? {} : { ip: formatIp(ip) }) };
}

const digits = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** `bytes` in every cut of two, and one byte at a time. */
export function* splits(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
  yield [...bytes].map((byte) => Uint8Array.of(byte));
}
