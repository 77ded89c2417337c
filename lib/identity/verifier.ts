/** What a verifier is asked and what it may answer: the types of a module of the operator's own. Asks nobody. */

/** About a server whose chain is verified. Written so that it can be copied beside a verifier: it needs nothing else. */
export interface Question {
  /** From the server's certificate to that of the authority that is trusted, DER. */
  readonly chain: readonly Uint8Array[];
  /** Of the first of them; addresses are canonical text. The common name is none of them, and proves nothing. */
  readonly names: {
    readonly dns: readonly string[];
    readonly ip: readonly string[];
    readonly uri: readonly string[];
    readonly email: readonly string[];
  };
  readonly subject: string;
  /** The name that the client meant, or that is demanded in its place. */
  readonly serverName: string;
  /** What is known of the connection, under the names of lib/acl/facts.ts; addresses and times are text. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `check`: the usual check of the name decides. `accept` takes its place. Anything else is a refusal. */
export type Verdict = "check" | "accept" | { readonly refuse: string };

/** The default export of the module. To throw is to refuse, and so is to take too long. */
export type Verify = (question: Question) => Verdict | Promise<Verdict>;
