/** Who takes part in the benchmark of encrypted objects, and how each is called. Runs nothing but what its setup needs. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "./run-once.ts";

export interface Cipher {
  name: string;
  family: "portail" | "peers" | "unauthenticated";
  /** Program, and the Debian package that has it. */
  programs: Readonly<Record<string, string>>;
  note: string;
  setup(where: Where): Ways;
}

export interface Where {
  /** A folder of its own in memory. */
  dir: string;
  plain: string;
  /** Words that start portail. */
  portail: readonly string[];
}

/** Both directions, each to `/dev/null` unless the program cannot; what is there only to be measured has but one. */
export interface Ways {
  encrypt?: Run;
  decrypt?: Run;
  /** The ciphertext that `decrypt` reads, and what makes it. */
  sealed: { path: string; by: Run };
}

const PASSWORD = "a password for a benchmark";

export const CIPHERS: readonly Cipher[] = [
  portail("ds2", "messages of 16 KiB by libcrypto (`--engine libcrypto`)"),
  portail("v3", "chunks of 16 KiB, AES-256-GCM by libcrypto"),
  verify("ds2"),
  verify("v3"),
  {
    name: "libsodium",
    family: "peers",
    programs: { gcc: "gcc", "lib:libsodium.so": "libsodium-dev" },
    note: "secretstream by its own API, what ds_proxy does: a C program (`secretstream.c`), `gcc -O2`, messages of 16 KiB, 1 MiB read and written at a time",
    setup({ dir, plain }) {
      const program = join(dir, "secretstream");
      must(["gcc", "-O2", "-o", program, join(import.meta.dir, "secretstream.c"), "-lsodium"]);
      return bothWays(join(dir, "sealed"), plain, [program, "encrypt"], [program, "decrypt"]);
    },
  },
  {
    name: "age",
    family: "peers",
    programs: { age: "age", "age-keygen": "age" },
    note: "ChaCha20-Poly1305 in chunks of 64 KiB, to one X25519 recipient",
    setup({ dir, plain }) {
      const identity = join(dir, "identity");
      must(["age-keygen", "-o", identity]);
      const recipient = must(["age-keygen", "-y", identity]).trim();
      return bothWays(join(dir, "sealed"), plain, ["age", "-r", recipient], ["age", "-d", "-i", identity]);
    },
  },
  {
    name: "rclone",
    family: "peers",
    programs: { rclone: "rclone" },
    note: "XSalsa20-Poly1305 in blocks of 64 KiB, a crypt remote on a folder in memory: `rcat` writes there, since it cannot write to /dev/null, and `cat` reads it",
    setup({ dir, plain }) {
      const store = join(dir, "store");
      mkdirSync(store);
      const config = join(dir, "rclone.conf");
      const password = must(["rclone", "obscure", PASSWORD]).trim();
      const settings = ["filename_encryption = off", "directory_name_encryption = false", `password = ${password}`];
      writeFileSync(config, ["[bench]", "type = crypt", `remote = ${store}`, ...settings, ""].join("\n"));
      const rclone = ["rclone", "--config", config];
      const encrypt = { argv: [...rclone, "rcat", "bench:kept"], input: plain };
      const decrypt = { argv: [...rclone, "cat", "bench:kept"], input: "/dev/null" };
      return { encrypt, decrypt, sealed: { path: join(store, "kept.bin"), by: encrypt } };
    },
  },
  {
    name: "gpg",
    family: "peers",
    programs: { gpg: "gpg" },
    note: "`--symmetric`, AES256 in CFB mode with an MDC, no compression; a password, stretched once per start",
    setup({ dir, plain }) {
      const home = join(dir, "home");
      mkdirSync(home, { mode: 0o700 });
      const gpg = ["gpg", "--homedir", home, "--no-autostart", "--batch", "--quiet", "--pinentry-mode", "loopback"];
      gpg.push("--passphrase-file", passwordFile(dir));
      // The most iterations, as the agent would choose: there is none to ask.
      const stretching = ["--s2k-count", "65011712"];
      const encrypt = [...gpg, "--symmetric", "--cipher-algo", "AES256", "--compress-algo", "none", ...stretching];
      return bothWays(join(dir, "sealed"), plain, encrypt, [...gpg, "--decrypt"]);
    },
  },
  openssl("aes-256-ctr"),
  openssl("chacha20"),
];

function portail(format: "ds2" | "v3", what: string): Cipher {
  return {
    name: format,
    family: "portail",
    programs: {},
    note: `\`portail s3crypt encrypt --format ${format}\` and \`decrypt\`: ${what}`,
    setup({ dir, plain, portail: words }) {
      const env = keyring(dir, words);
      const argv = [...words, "s3crypt"];
      const encrypt = [...argv, "encrypt", "--engine", "libcrypto", "--format", format];
      return bothWays(join(dir, "sealed"), plain, encrypt, [...argv, "decrypt", "--engine", "libcrypto"], env);
    },
  };
}

function verify(format: "ds2" | "v3"): Cipher {
  return {
    name: `verify-${format}`,
    family: "portail",
    programs: {},
    note: `\`portail s3crypt verify\` of ${format}: reads and writes nothing, so it stands beside decryption`,
    setup(where) {
      const { decrypt, sealed } = portail(format, "").setup(where);
      return {
        decrypt: { ...decrypt!, argv: [...where.portail, "s3crypt", "verify", "--engine", "libcrypto"] },
        sealed,
      };
    },
  };
}

function openssl(algorithm: string): Cipher {
  return {
    name: `openssl-${algorithm}`,
    family: "unauthenticated",
    programs: { openssl: "openssl" },
    note: `\`openssl enc -${algorithm} -pbkdf2\`: NOT authenticated, whoever changes the ciphertext changes the plaintext; how fast the bare cipher is`,
    setup({ dir, plain }) {
      const argv = ["openssl", "enc", `-${algorithm}`, "-pbkdf2", "-pass", `file:${passwordFile(dir)}`];
      return bothWays(join(dir, "sealed"), plain, argv, [...argv, "-d"]);
    },
  };
}

function bothWays(
  path: string,
  plain: string,
  encrypt: readonly string[],
  decrypt: readonly string[],
  env: Record<string, string> = {},
): Ways {
  return {
    encrypt: { argv: encrypt, input: plain, env },
    decrypt: { argv: decrypt, input: path, env },
    sealed: { path, by: { argv: encrypt, input: plain, output: path, env } },
  };
}

/** A new keyring in `dir` and the environment that opens it; `chosen`: under a password that scrypt stretches at every start. */
export function keyring(dir: string, portail: readonly string[], chosen = false): Record<string, string> {
  const path = join(dir, "keyring.toml");
  const under = chosen ? ["--new-password-file", passwordFile(dir)] : [];
  const printed = must([...portail, "s3crypt", "keys", "init", "--keyring-file", path, ...under]);
  return { DS_KEYRING: path, DS_PASSWORD: chosen ? PASSWORD : printed };
}

function passwordFile(dir: string): string {
  const path = join(dir, "password");
  writeFileSync(path, PASSWORD);
  chmodSync(path, 0o600);
  return path;
}

/** What it prints. */
function must(argv: readonly string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync([...argv], { stdin: "ignore", stderr: "pipe" });
  if (!success) throw new Error(`${argv[0]} failed: ${stderr.toString().trim()}`);
  return stdout.toString();
}
