/** What a row of the table of flags says, and the command line that its cases are tried on. Runs nothing. */
import type { ExitStatus } from "../../../../../lib/command/errors.ts";
import type { ProcessSettings } from "../../../../../commands/tunnel/process.ts";
import type { TunnelSettings } from "../../../../../commands/tunnel/settings.ts";
import type { Side } from "../../../../../commands/tunnel/settings.ts";

/** Part of a command line that is complete without the case. */
export type Part = "listen" | "target" | "identity" | "trust" | "who";

export interface Circumstances {
  /** Default: each side that has the flag. */
  side?: Side;
  /** Parts of the complete command line that the case does without. */
  without?: readonly Part[];
  env?: Readonly<Record<string, string>>;
  /** False where the start is not to be tried in the process of the test. */
  runs?: false;
}

/** Words, and what the settings say then (as `toMatchObject`): nothing where the effect shows elsewhere. */
type Taken = [words: string, gives: object, circumstances?: Circumstances];

/** Words, and how they are refused: exit status, stable code, and a part of the message and of the hint. */
export type Refused = [
  words: string,
  exit: ExitStatus,
  code: string,
  message: string,
  hint: string,
  circumstances?: Circumstances,
];

export interface Row {
  takes: readonly Taken[];
  refuses: readonly Refused[];
}

export type Rows = Readonly<Record<string, Row>>;

/** A complete command line of each side. Relative names are those of files.ts. */
export const COMPLETE: Record<Side, Record<Part, string>> = {
  server: {
    listen: "--listen 127.0.0.1:0",
    target: "--target localhost:9",
    identity: "--cert @/own-cert.pem --key @/own-key.pem",
    trust: "--cacert @/ca.pem",
    who: "--allow-all",
  },
  client: {
    listen: "--listen localhost:0",
    target: "--target 127.0.0.1:9",
    identity: "--keystore @/own.p12",
    trust: "--cacert @/ca.pem",
    who: "",
  },
};

/** Settings of the one tunnel. */
export function tunnel(settings: Partial<Record<keyof TunnelSettings, unknown>>): object {
  return { tunnels: [{ settings }] };
}

/** Of the process. */
export function settings(values: Partial<Record<keyof ProcessSettings, unknown>>): object {
  return values;
}

/** A flag whose value is a duration; `key` leads to the milliseconds. `zero` says whether 0 is taken. */
export function durations(flag: string, gives: (ms: number) => object, zero: boolean): Row {
  const notA = [64, "usage.value", `--${flag}: `, "e.g. 250ms, 10s, 5m, 1h30m"] as const;
  const range = [64, "usage.value", `--${flag}: "`, "it must be from"] as const;
  return {
    takes: [
      [`--${flag} 1h30m`, gives(5_400_000)],
      [`--${flag}=1.5s`, gives(1500)],
      ...(zero ? ([[`--${flag} 0`, gives(0)]] satisfies Taken[]) : []),
    ],
    refuses: [
      [`--${flag} soon`, ...notA],
      [`--${flag} 5`, ...notA],
      [`--${flag}=-1s`, ...notA],
      [`--${flag} 999999h`, ...range],
      ...(zero ? [] : ([[`--${flag} 0`, ...range]] satisfies Refused[])),
    ],
  };
}

/** A switch. */
export function flagSwitch(flag: string, gives: (on: boolean) => object): Row {
  return {
    takes: [
      [`--${flag}`, gives(true)],
      [`--no-${flag}`, gives(false)],
    ],
    refuses: [[`--${flag}=yes`, 64, "usage.value", `--${flag} takes no value`, `write --${flag} or --no-${flag}`]],
  };
}

/** A flag of ghostunnel that is known and refused, with and without the rest of the command line. */
export function notTaken(words: string, hint: string): Row {
  const flag = words.split(/[ =]/, 1)[0]!.replaceAll("_", "-");
  const how = [64, "tunnel.not_taken", `${flag} is not taken by portail`, hint] as const;
  return {
    takes: [],
    refuses: [
      [words, ...how],
      [words, ...how, { without: ["identity", "who"] }],
    ],
  };
}
