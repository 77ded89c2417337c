/** The files that an identity, its trust and its secrets are read from: names resolved, each read whole. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, PortailError } from "../command/errors.ts";

/** What a file is to the one who named it; the code of the error is `identity.NAME_unreadable`. */
export const FILE_ROLES = {
  cert: "certificate",
  key: "private key",
  keystore: "keystore",
  secret: "password",
  cacert: "trust bundle",
  crl: "revocation list",
  keyring: "keyring",
} as const;

export type FileRole = keyof typeof FILE_ROLES;

export interface SourceEnvironment {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** More than any revocation list in use; `/dev/zero` has no end. */
const MOST_BYTES = 128 * 2 ** 20;
const CREDENTIAL = "credential:";

export class SourceFiles {
  readonly env: SourceEnvironment["env"];
  readonly #cwd: string;
  /** What pipes said: they say it once. */
  readonly #pipes = new Map<string, Uint8Array>();

  constructor({ cwd, env }: SourceEnvironment) {
    this.#cwd = cwd;
    this.env = env;
  }

  /**
   * All of the file `name`: a path, or `credential:NAME` for one that systemd's LoadCredential= passed on. A named pipe
   * or `<(...)` is read at the first call, which waits for its writer, and remembered. Throws `PortailError`.
   */
  read(name: string, role: FileRole): Uint8Array {
    const path = this.#resolve(name);
    const known = this.#pipes.get(path);
    if (known !== undefined) return known;
    try {
      const { bytes, isFile } = readWhole(path);
      if (!isFile) this.#pipes.set(path, bytes);
      return bytes;
    } catch (error) {
      throw error instanceof PortailError ? error : unreadable(name, role, error);
    }
  }

  #resolve(name: string): string {
    if (!name.startsWith(CREDENTIAL)) return resolve(this.#cwd, name);
    const credential = name.slice(CREDENTIAL.length);
    const folder = this.env["CREDENTIALS_DIRECTORY"];
    if (credential === "" || credential === "." || credential === ".." || credential.includes("/")) {
      throw new PortailError(`${JSON.stringify(name)} names no credential`, {
        code: "identity.bad_credential_name",
        exit: EXIT.config,
        hint: "write credential:NAME, where the unit has LoadCredential=NAME:PATH",
      });
    }
    if (folder === undefined || folder === "") {
      throw new PortailError(`there is no credential ${JSON.stringify(credential)}: CREDENTIALS_DIRECTORY is not set`, {
        code: "identity.no_credentials",
        exit: EXIT.config,
        hint: `systemd sets it where the unit has LoadCredential=${credential}:PATH`,
      });
    }
    return resolve(folder, credential);
  }
}

function readWhole(path: string): { bytes: Uint8Array; isFile: boolean } {
  const fd = openSync(path, "r");
  try {
    const stat = fstatSync(fd);
    const chunks: Uint8Array[] = [];
    const size = stat.isFile() ? stat.size + 1 : 64 * 1024;
    for (let total = 0; ;) {
      if (total > MOST_BYTES) throw Object.assign(new Error("larger than 128 MiB"), { code: "EFBIG" });
      const chunk = Buffer.alloc(Math.min(size, 2 ** 20));
      const length = readSync(fd, chunk);
      if (length === 0) return { bytes: Buffer.concat(chunks), isFile: stat.isFile() };
      chunks.push(chunk.subarray(0, length));
      total += length;
    }
  } finally {
    closeSync(fd);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  EFBIG: "it is larger than 128 MiB",
  ELOOP: "too many symbolic links",
};

function unreadable(name: string, role: FileRole, error: unknown): PortailError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const denied = code === "EACCES" || code === "EPERM";
  const hint = denied
    ? "run with systemd's LoadCredential= and name it credential:NAME, or fix owner and mode of the file"
    : "paths count from the working directory; credential:NAME is a file of LoadCredential=";
  return new PortailError(`cannot read ${FILE_ROLES[role]} ${JSON.stringify(name)}: ${REASONS[code] ?? code}`, {
    code: `identity.${role}_unreadable`,
    exit: denied ? EXIT.noPrivilege : EXIT.noInput,
    hint,
    cause: error,
  });
}
