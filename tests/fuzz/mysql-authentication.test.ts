/** Any bytes of either side in an authentication of MySQL: no exception, and the same however they are cut. Longer with PORTAIL_LONG. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { MysqlAuthentication, type AuthStep, type PasswordKey } from "../../lib/session/mysql-starttls.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 200_000 : 10_000;
const latin = (text: string) => Buffer.from(text, "latin1");
const KEY: PasswordKey = { pem: latin("key"), open: (bytes) => (bytes.length > 4 ? bytes.slice(4) : undefined) };

type Turn = readonly [from: "client" | "server", bytes: Buffer];

/** A password that the server wants itself, after a switch and without; one in its cache; one that is wrong. */
const DIALOGUES: readonly (readonly Turn[])[] = [
  [
    ["server", latin("\x02\0\0\x03\x01\x04")],
    ["client", latin("\x01\0\0\x03\x02")],
    ["client", latin("\x0c\0\0\x05abcdpassword")],
    ["server", latin("\x03\0\0\x05\0\0\0\x01\0\0\0\0")],
  ],
  [
    ["server", latin("\x1b\0\0\x03\xfeabcde\0ABCDEFGHIJKLMNOPQRST")],
    ["client", latin("\x04\0\0\x03hash")],
    ["server", latin("\x02\0\0\x05\x01\x04")],
    ["client", latin("\x01\0\0\x05\x02")],
    ["client", latin("\x05\0\0\x07abcdp")],
    ["server", latin("\x02\0\0\x07\xff\x15")],
  ],
  [["server", latin("\x02\0\0\x03\x01\x03\x03\0\0\x04\0\0\0")]],
  [["server", latin("\x05\0\0\x03\xff\x15\x04no")]],
];

interface Played {
  toServer: string;
  toClient: string;
  outcome: "bad" | "over" | "open";
}

function play(turns: readonly Turn[], random: Prng | undefined): Played {
  const session = new MysqlAuthentication(latin("abcdefghijklmnopqrst"), KEY);
  const played: Played = { toServer: "", toClient: "", outcome: "open" };
  const take = (step: AuthStep) => {
    if (step.type === "bad") {
      played.outcome = "bad";
      return;
    }
    played.toServer += Buffer.from(step.toServer).toString("hex");
    played.toClient += Buffer.from(step.toClient).toString("hex");
    if (step.over) played.outcome = "over";
  };
  for (const [from, bytes] of turns) {
    for (let at = 0; at < bytes.length && played.outcome === "open";) {
      const length = random === undefined ? bytes.length : 1 + random.below(7);
      const piece = Buffer.from(bytes.subarray(at, at + length));
      take(from === "client" ? session.clientSaid(piece) : session.serverSaid(piece));
      at += length;
    }
  }
  return played;
}

test(`${ROUNDS} mutated dialogues`, () => {
  const random = createPrng();
  const seen = { bad: 0, over: 0, open: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const dialogue = DIALOGUES[random.below(DIALOGUES.length)]!;
    const turns = dialogue.map(([from, bytes]): Turn => [from, random.below(3) === 0 ? mutate(bytes, random) : bytes]);
    const told = `seed ${random.seed}, round ${round}: ${turns.map(([from, bytes]) => `${from} ${bytes.toString("hex")}`).join(", ")}`;
    const whole = play(turns, undefined);
    const pieces = play(turns, random);
    seen[whole.outcome]++;
    expect(pieces.outcome, told).toBe(whole.outcome);
    // Of a chunk that breaks off nothing is passed on, and of one that ends it what stands behind belongs to the relay.
    if (whole.outcome === "open") expect(pieces, told).toEqual(whole);
    else if (whole.outcome === "over") expect(whole.toClient.startsWith(pieces.toClient), told).toBe(true);
  }
  for (const outcome of ["bad", "over", "open"] as const) expect(seen[outcome], outcome).toBeGreaterThan(ROUNDS / 200);
});
