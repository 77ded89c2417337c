/** Flags that say who we are and whom we believe, for every command that speaks TLS, and what they mean. Reads no file. */
import { usage } from "../command/argv.ts";
import type { ArgDefinitions, ParsedArgs } from "../command/define.ts";
import type { IdentitySource } from "./identity.ts";
import { Secret } from "./secret.ts";
import type { TrustSource } from "./trust.ts";

const FILE = { type: "string", valueHint: "FILE", group: "Identity" } as const;

/** Of the side that clients see; in `tunnel client`, of the side that faces the server. Names and variables as ghostunnel has them. */
export const identityFlags = {
  cert: { ...FILE, env: "CERT_PATH", description: "Certificate chain, PEM or DER; the key is --key" },
  key: { ...FILE, env: "KEY_PATH", description: "Private key of --cert, encrypted or not" },
  keystore: {
    ...FILE,
    env: "KEYSTORE_PATH",
    description: "Certificate chain and private key in one file, PEM or PKCS#12, instead of --cert and --key",
  },
  storepass: {
    type: "string",
    valueHint: "PASSWORD",
    group: "Identity",
    env: "KEYSTORE_PASS",
    description: "Password of the keystore or key. On a command line, every user of this machine can read it",
  },
  "storepass-file": {
    ...FILE,
    description: "File, named pipe or credential:NAME (systemd's LoadCredential=) that holds the password",
  },
  cacert: {
    ...FILE,
    multiple: true,
    env: "CACERT_PATH",
    description: "Certificates of the authorities that peers are verified against; without it, those of the system",
  },
  crl: { ...FILE, multiple: true, description: "Revocation lists, PEM or DER, one for each authority" },
} as const satisfies ArgDefinitions;

export interface IdentitySources {
  /** Undefined where no certificate is named. */
  readonly identity: IdentitySource | undefined;
  readonly trust: TrustSource;
}

/** Throws PortailError (64) for two identities at once, half of one, and two passwords. */
export function parseIdentityFlags(args: ParsedArgs<typeof identityFlags>): IdentitySources {
  return { identity: sourceOf(args), trust: { cacert: args.cacert, crl: args.crl } };
}

type Given = Pick<ParsedArgs<typeof identityFlags>, "cert" | "key" | "keystore" | "storepass" | "storepass-file">;

function sourceOf({ cert, key, keystore, storepass, "storepass-file": file }: Given): IdentitySource | undefined {
  if (keystore !== undefined && (cert !== undefined || key !== undefined)) {
    const hint =
      "give one identity: --keystore, or --cert and --key; CERT_PATH, KEY_PATH and KEYSTORE_PATH of the environment count too";
    throw usage("usage.conflict", `--keystore and --${cert === undefined ? "key" : "cert"} exclude each other`, hint);
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw usage("usage.missing", `--${has} needs --${lacks}`, "a file that has both is --keystore");
  }
  if (storepass !== undefined && file !== undefined) {
    const hint = "KEYSTORE_PASS of the environment counts as --storepass";
    throw usage("usage.conflict", "--storepass and --storepass-file exclude each other", hint);
  }
  const password =
    file !== undefined ? Secret.ofFile(file) : storepass !== undefined ? Secret.ofText(storepass) : undefined;
  if (keystore !== undefined) return { kind: "keystore", keystore, password };
  return cert === undefined || key === undefined ? undefined : { kind: "pair", cert, key, password };
}
