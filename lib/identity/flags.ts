/** Flags that say who we are and whom we believe, for every command that speaks TLS, and what they mean. Reads no file. */
import { usage } from "../command/argv.ts";
import type { ArgDefinitions, ParsedArgs } from "../command/define.ts";
import { isPkcs11Uri } from "../wire/pkcs11-uri.ts";
import type { IdentitySource } from "./identity.ts";
import { Secret } from "./secret.ts";
import { parseTokenUri, tokenSource, type TokenFlags, type TokenSource } from "./token/source.ts";
import type { TrustSource } from "./trust.ts";

const FILE = { type: "string", valueHint: "FILE", group: "Identity" } as const;
const UPSTREAM = { type: "string", valueHint: "FILE", group: "Upstream identity" } as const;

/** Of the side that clients see; in `tunnel client`, of the side that faces the server. Names and variables as ghostunnel has them. */
export const identityFlags = {
  cert: {
    ...FILE,
    env: "CERT_PATH",
    description: "Certificate chain, PEM or DER, or a pkcs11: URI; the key is --key",
  },
  key: {
    ...FILE,
    env: "KEY_PATH",
    description: "Private key of --cert, encrypted or not, or the pkcs11: URI of one that stays in its token",
  },
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

/** Of a private key in a token, as ghostunnel has them, beside `identityFlags`. */
export const tokenFlags = {
  "pkcs11-module": {
    type: "string",
    valueHint: "PATH",
    group: "Identity",
    env: "PKCS11_MODULE",
    description: "PKCS#11 module of the token that has the private key, in place of --key",
  },
  "pkcs11-token-label": {
    type: "string",
    valueHint: "NAME",
    group: "Identity",
    env: "PKCS11_TOKEN_LABEL",
    description: "Name of the token, where the module has several",
  },
  "pkcs11-pin": {
    type: "string",
    valueHint: "PIN",
    group: "Identity",
    env: "PKCS11_PIN",
    description: "PIN of the token. On a command line, every user of this machine can read it",
  },
  "pkcs11-pin-file": { ...FILE, description: "File, named pipe or credential:NAME that holds the PIN of the token" },
} as const satisfies ArgDefinitions;

/** Flags as these without their variables: one that is meant for a tunnel must not put TLS in front of something else. */
export function withoutVariables<A extends ArgDefinitions>(flags: A): A {
  const plain = Object.entries(flags).map(([name, flag]) => [name, { ...flag, env: undefined }]);
  return Object.fromEntries(plain) as A;
}

/** Of the side that dials, where a command has both. */
export const upstreamIdentityFlags = {
  "upstream-cert": { ...UPSTREAM, description: "Certificate chain for upstreams; the key is --upstream-key" },
  "upstream-key": { ...UPSTREAM, description: "Private key of --upstream-cert, encrypted or not" },
  "upstream-keystore": { ...UPSTREAM, description: "Both in one file, PEM or PKCS#12" },
  "upstream-storepass-file": { ...UPSTREAM, description: "File with the password of the upstream keystore or key" },
  "upstream-cacert": {
    ...UPSTREAM,
    multiple: true,
    description: "Certificates of the authorities that upstreams are verified against; without it, those of the system",
  },
  "upstream-crl": { ...UPSTREAM, multiple: true, description: "Revocation lists for upstreams, PEM or DER" },
} as const satisfies ArgDefinitions;

export interface IdentitySources {
  /** Undefined where no certificate is named. */
  readonly identity: IdentitySource | undefined;
  readonly trust: TrustSource;
}

/** Throws PortailError (64) for two identities at once, half of one, and two passwords. */
export function parseIdentityFlags(
  args: ParsedArgs<typeof identityFlags> & Partial<ParsedArgs<typeof tokenFlags>>,
): IdentitySources {
  const { cert, key, keystore, storepass, "storepass-file": file, cacert, crl } = args;
  const { "pkcs11-module": module, "pkcs11-token-label": label, "pkcs11-pin": pin, "pkcs11-pin-file": pinFile } = args;
  const token = { module, label, pin, pinFile };
  return { identity: sourceOf("--", { cert, key, keystore, storepass, file }, token), trust: { cacert, crl } };
}

/** As `parseIdentityFlags`. */
export function parseUpstreamIdentityFlags(args: ParsedArgs<typeof upstreamIdentityFlags>): IdentitySources {
  const { "upstream-cert": cert, "upstream-key": key, "upstream-keystore": keystore } = args;
  const file = args["upstream-storepass-file"];
  return {
    identity: sourceOf("--upstream-", { cert, key, keystore, storepass: undefined, file }),
    trust: { cacert: args["upstream-cacert"], crl: args["upstream-crl"] },
  };
}

type Given = Record<"cert" | "key" | "keystore" | "storepass" | "file", string | undefined>;

const NO_TOKEN: TokenFlags = { module: undefined, label: undefined, pin: undefined, pinFile: undefined };

function sourceOf(dashes: string, given: Given, token = NO_TOKEN): IdentitySource | undefined {
  const { cert, key, keystore, storepass, file } = given;
  const variables = dashes === "--" ? "; CERT_PATH, KEY_PATH and KEYSTORE_PATH of the environment count too" : "";
  if (keystore !== undefined && (cert !== undefined || key !== undefined)) {
    const other = `${dashes}${cert === undefined ? "key" : "cert"}`;
    const hint = `give one identity: ${dashes}keystore, or ${dashes}cert and ${dashes}key${variables}`;
    throw usage("usage.conflict", `${dashes}keystore and ${other} exclude each other`, hint);
  }
  const inToken = tokenSourceOf(dashes, given, token);
  if (inToken !== undefined) return inToken;
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    const hint = `a file that has both is ${dashes}keystore`;
    throw usage("usage.missing", `${dashes}${has} needs ${dashes}${lacks}`, hint);
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

/** Undefined where nothing says that the key is in a token. */
function tokenSourceOf(dashes: string, given: Given, token: TokenFlags): TokenSource | undefined {
  const { cert, key, keystore } = given;
  const uriOf = (flag: string, text: string | undefined) =>
    text !== undefined && isPkcs11Uri(text) ? parseTokenUri(`${dashes}${flag}`, text) : undefined;
  const [certUri, keyUri, storeUri] = [uriOf("cert", cert), uriOf("key", key), uriOf("keystore", keystore)];
  const uri = keyUri ?? storeUri;
  const module = token.module !== undefined;
  if (uri === undefined && certUri === undefined && !module) {
    refuseAlone(token);
    return undefined;
  }
  const inFile = keyUri === undefined ? (key ?? (storeUri === undefined ? keystore : undefined)) : undefined;
  if (inFile !== undefined) {
    const [one, other] = module
      ? ["--pkcs11-module", key === undefined ? "keystore" : "key"]
      : [`${dashes}cert`, "key"];
    const hint = `leave one out: the key is in a token or in a file${module ? "; PKCS11_MODULE of the environment counts too" : ""}`;
    throw usage(
      "usage.conflict",
      `${one}${module ? "" : ", a pkcs11: URI,"} and ${dashes}${other} exclude each other`,
      hint,
    );
  }
  const variable = dashes === "--" ? " (PKCS11_MODULE in the environment)" : "";
  // A URI of the certificate alone means the key that has its id.
  const { type: _type, ...ofCert } = certUri ?? {};
  return tokenSource(token, uri ?? ofCert, certUri ?? cert, variable);
}

/** A PIN or a name of a token that nothing uses. */
function refuseAlone({ label, pin, pinFile }: TokenFlags): void {
  const flags = Object.entries({ "token-label": label, pin, "pin-file": pinFile });
  const given = flags.find(([, value]) => value !== undefined);
  if (given === undefined) return;
  const hint = "give --pkcs11-module, or leave it out; PKCS11_* of the environment counts too";
  throw usage("usage.missing", `--pkcs11-${given[0]} needs --pkcs11-module`, hint);
}
