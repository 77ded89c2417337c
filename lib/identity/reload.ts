/** The identity and the trust in use, read from files again when somebody asks for it: all of them or none. Watches nothing. */
import type { IdentitySources } from "./flags.ts";
import { readIdentity, type Identity } from "./identity.ts";
import { SourceFiles, type SourceEnvironment } from "./source-files.ts";
import { readTrust, type Trust } from "./trust.ts";

/** What connections are made with. Both are of one reading, so that they belong together. */
export interface Credentials {
  /** Undefined where there is none to be read. */
  readonly identity: Identity | undefined;
  readonly trust: Trust | undefined;
}

/** Which of the sources are needed: without a source for `trust` none is read, not even the system's store. */
export type CredentialSources = { readonly [K in keyof IdentitySources]: IdentitySources[K] | undefined };

/** Tries whether `next` can be used, by throwing a `PortailError` where not; it may keep what it built for the listeners. */
export type CredentialCheck = (next: Credentials) => void;

export class LiveCredentials {
  readonly #sources: CredentialSources;
  readonly #files: SourceFiles;
  readonly #check: CredentialCheck;
  readonly #listeners = new Set<(now: Credentials) => void>();
  #current: Credentials;
  #failed = false;

  /** Reads all for the first time, which may wait for a pipe. Throws `PortailError`. */
  constructor(sources: CredentialSources, environment: SourceEnvironment, check: CredentialCheck = () => {}) {
    this.#sources = sources;
    this.#files = new SourceFiles(environment);
    this.#check = check;
    this.#current = this.#read();
  }

  get current(): Credentials {
    return this.#current;
  }

  /** Warnings of what is in use, for the log. */
  get warnings(): readonly string[] {
    const { identity, trust } = this.#current;
    return [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])];
  }

  /**
   * Whether a reload could bring something else: a file is another than at the last reading, or that failed. Costs a
   * stat(2) for each file; passwords in variables and pipes never change.
   */
  get changed(): boolean {
    return this.#failed || this.#files.changed;
  }

  /** Reads all again, then tells the listeners. Throws `PortailError` where something is wrong, and keeps what was there. */
  reload(): Credentials {
    this.#failed = true;
    const next = this.#read();
    this.#failed = false;
    this.#current = next;
    for (const listener of this.#listeners) listener(next);
    return next;
  }

  /** Calls `listener` after each reload that brought something; the returned function takes it off again. */
  onReload(listener: (now: Credentials) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(): Credentials {
    this.#files.forget();
    const { identity, trust } = this.#sources;
    const next = {
      identity: identity && readIdentity(identity, this.#files),
      trust: trust && readTrust(trust, this.#files),
    };
    this.#check(next);
    return next;
  }
}
