/** Users and their hashed passwords from a file, as htpasswd(1) writes them. Asks nobody else. */
import { EXIT, PortailError } from "../command/errors.ts";
import { Turns } from "./turns.ts";

export interface Users {
  readonly count: number;
  /** Passwords that wait for their turn. */
  readonly waiting: number;
  /**
   * Whether `password` is that of `user`. Takes as long for an unknown user as for a known one. `client` says who asks,
   * with all that one host can make itself look like: clients wait for themselves and take turns among each other.
   */
  verify(user: string, password: Uint8Array, client: string): Promise<boolean>;
}

/**
 * A verification takes a core for about a tenth of a second and, with Argon2, tens of megabytes. Beyond what may wait
 * the answer is no, so that guessing cannot pile up work; a host that guesses fills its own share of it alone.
 */
const LIMITS = { atOnce: 2, waitingEach: 16, waitingInAll: 1024 };

/**
 * Parses `NAME:HASH` lines; bcrypt (`$2y$`, `$2b$`, `$2a$`) and Argon2 (`$argon2id$`) hashes. Empty lines and `#` are
 * skipped. Throws `PortailError` (`users.*`) with the line, never with a hash.
 */
export function parseUsers(text: string, file: string): Users {
  const hashes = new Map<string, string>();
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const hash = line.slice(colon + 1).split(":")[0]!;
    if (colon < 1) throw refuse(file, i + 1, "is not NAME:HASH");
    if (!/^\$(2[aby]|argon2(id|i|d))\$/.test(hash)) throw refuse(file, i + 1, "holds no bcrypt or Argon2 hash");
    if (hashes.has(name)) throw refuse(file, i + 1, `names ${JSON.stringify(name)} a second time`);
    hashes.set(name, hash);
  }
  if (hashes.size === 0) throw refuse(file, 1, "begins a file that names no user");
  return new HashedUsers(hashes);
}

function refuse(file: string, line: number, why: string): PortailError {
  return new PortailError(`${file}:${line}: the line ${why}`, {
    code: "users.syntax",
    exit: EXIT.badData,
    hint: "make lines with `htpasswd -nB NAME`",
  });
}

class HashedUsers implements Users {
  readonly #hashes: Map<string, string>;
  /** A stand-in of the same cost for users that do not exist. */
  readonly #decoy: string;
  /** Keyed digests of what was verified, so that a client pays once and not for each connection. */
  readonly #known = new Set<string>();
  readonly #key = crypto.getRandomValues(new Uint8Array(32));
  /** By the same digests, what is being verified: a browser's twenty connections are one question. */
  readonly #asked = new Map<string, Promise<boolean>>();
  readonly #turns = new Turns(LIMITS);

  constructor(hashes: Map<string, string>) {
    this.#hashes = hashes;
    this.#decoy = [...hashes.values()][0]!;
  }

  get count(): number {
    return this.#hashes.size;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  async verify(user: string, password: Uint8Array, client: string): Promise<boolean> {
    const digest = new Bun.CryptoHasher("sha256", this.#key)
      .update(user)
      .update("\0")
      .update(password)
      .digest("base64");
    if (this.#known.has(digest)) return true;
    const asked = this.#asked.get(digest);
    if (asked !== undefined) return asked;
    const answer = this.#compare(user, password, client).finally(() => this.#asked.delete(digest));
    this.#asked.set(digest, answer);
    if (await answer) this.#known.add(digest);
    return answer;
  }

  async #compare(user: string, password: Uint8Array, client: string): Promise<boolean> {
    const hash = this.#hashes.get(user);
    const matches = await this.#turns.run(client, () => verifyHash(password, hash ?? this.#decoy));
    return matches === true && hash !== undefined;
  }
}

/** A hash that the runtime cannot read matches nothing. */
async function verifyHash(password: Uint8Array, hash: string): Promise<boolean> {
  if (password.length === 0) return false;
  return Bun.password.verify(password, hash).catch(() => false);
}
