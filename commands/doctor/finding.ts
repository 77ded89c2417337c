/** What `portail doctor` says of a machine, as data: the shape of a finding, and the commands that findings are about. */

/** Commands by the names that are typed; a word of a group stands behind a `-`. */
export const COMMANDS = ["identity", "mux", "s3crypt", "socks", "tproxy", "tproxy-exec", "tunnel"] as const;

export type CommandName = (typeof COMMANDS)[number];

/** Commands that wait for connections. */
export const DAEMONS: readonly CommandName[] = ["mux", "s3crypt", "socks", "tproxy", "tunnel"];

/** Commands that speak TLS, with a certificate of their own or to somebody who must have one. */
export const SPEAKING_TLS: readonly CommandName[] = [...DAEMONS, "tproxy-exec"];

export interface Finding {
  /** Stable, dotted, e.g. `nft.missing`; scripts may match it. */
  readonly code: string;
  /** `note` is for who needs what is missing, `warn` is for everybody whom it concerns. */
  readonly state: "ok" | "note" | "warn";
  /** One or two words. */
  readonly topic: string;
  /** What there is, without a final period. */
  readonly text: string;
  /** What that comes to, for the commands that it is about; without a final period. */
  readonly means: string;
  /** What to do about it, where something can be done. */
  readonly advice?: string;
  /** Whom it matters to. */
  readonly commands: readonly CommandName[];
  /** Those of them that cannot work for it. */
  readonly stops?: readonly CommandName[];
  /** What a flag asked for cannot be. */
  readonly refuses?: true;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** Commands that were named, or all. */
  readonly about: readonly CommandName[];
  /** Those of them that cannot work, each with the codes that say why. */
  readonly stopped: readonly { readonly command: CommandName; readonly codes: readonly string[] }[];
  /** Codes of what a flag asked for and cannot be. */
  readonly refused: readonly string[];
  /** Whether something that was asked for, by name or by a flag, cannot be. */
  readonly impossible: boolean;
}

/** What `findings` come to for the commands that were `named`; where none is, for all, of which none is asked for. */
export function verdictOf(findings: readonly Finding[], named: readonly CommandName[]): Verdict {
  const about = named.length === 0 ? COMMANDS : named;
  const concerning = findings.filter(({ commands }) => commands.some((command) => about.includes(command)));
  const stopped = about.flatMap((command) => {
    const codes = concerning.filter(({ stops = [] }) => stops.includes(command)).map(({ code }) => code);
    return codes.length === 0 ? [] : [{ command, codes }];
  });
  const shown = concerning.map((finding): Finding => {
    const stops = finding.stops?.some((command) => named.includes(command)) ?? false;
    return stops ? { ...finding, state: "warn" } : finding;
  });
  const refused = concerning.filter(({ refuses }) => refuses).map(({ code }) => code);
  const impossible = (named.length > 0 && stopped.length > 0) || refused.length > 0;
  return { findings: shown, about, stopped, refused, impossible };
}
