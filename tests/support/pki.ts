/** Certificates for tests, made by the openssl program and kept in memory for the process. Other forms of them are pki-forms.ts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment } from "./program.ts";
import type { Scene } from "./scene.ts";

export type KeyType = "p256" | "p384" | "rsa" | "ed25519";

export interface CertOptions {
  /** Default `localhost`; "" for none. */
  cn?: string;
  ou?: readonly string[];
  /** The whole subject as `openssl req -subj` takes it, in place of `cn` and `ou`. */
  subject?: string;
  /** `DNS:a`, `IP:127.0.0.1`, `URI:spiffe://x/y`, `email:a@b`, `otherName:OID;UTF8:x`. Default: DNS:localhost and both loopbacks. */
  san?: readonly string[];
  /** Default `serverAuth, clientAuth`; "" for no such extension. */
  eku?: string;
  key?: KeyType;
  /** Days from now; negative is the past. Default: yesterday to a year from now. */
  from?: number;
  to?: number;
  /** Further lines of an extension section, such as `nsComment = "x"`. */
  extensions?: readonly string[];
  /** Tells certificates apart that are the same otherwise: each is made once per process. */
  nth?: number;
}

export interface CrlOptions {
  revoked?: readonly Certified[];
  /** Days from now. Default: yesterday and in a week. */
  from?: number;
  to?: number;
}

/** A certificate with its key; both, and the chain, are PEM. */
export interface Certified {
  readonly cert: string;
  /** PKCS#8, not encrypted. */
  readonly key: string;
  /** The certificate and its intermediate authorities; the root is left out. */
  readonly chain: string;
  readonly der: Uint8Array;
}

const KEYS: Record<KeyType, string[]> = {
  p256: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  rsa: ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
  ed25519: ["ed25519"],
};
const LOOPBACK = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"];
const FIELDS = ["countryName", "organizationName", "organizationalUnitName", "commonName", "emailAddress"];

const made = new Map<string, unknown>();

/** A root authority. The same name gives the same authority in all tests of the process. */
export function authority(name = "Test CA", options: CertOptions = {}): Authority {
  return once(["authority", name, options], () => certify(undefined, { cn: name, ...options }, true) as Authority);
}

/** A certificate that vouches for itself. */
export function selfSigned(options: CertOptions = {}): Certified {
  return once(["self-signed", options], () => certify(undefined, options, false));
}

export class Authority implements Certified {
  readonly cert: string;
  readonly key: string;
  readonly chain: string;
  readonly der: Uint8Array;
  /** Whether it vouches for itself. */
  readonly root: boolean;

  constructor(made: Certified, root: boolean) {
    this.cert = made.cert;
    this.key = made.key;
    this.chain = made.chain;
    this.der = made.der;
    this.root = root;
  }

  issue(options: CertOptions = {}): Certified {
    return once(["issue", this.cert, options], () => certify(this, options, false));
  }

  intermediate(name = "Test Intermediate", options: CertOptions = {}): Authority {
    return once(["intermediate", this.cert, name, options], () => {
      return certify(this, { cn: name, ...options }, true) as Authority;
    });
  }

  /** A revocation list, PEM. Its DER is `derOf` it. */
  crl({ revoked = [], from = -1, to = 7 }: CrlOptions = {}): string {
    return once(["crl", this.cert, revoked.map(({ cert }) => cert), from, to], () => {
      const lines = revoked.map(({ cert }) => {
        const serial = openssl(["x509", "-noout", "-serial"], cert).trim().replace("serial=", "");
        return ["R", time(365).slice(2), time(-1).slice(2), serial, "unknown", "/CN=revoked"].join("\t");
      });
      const dates = ["-crl_lastupdate", time(from), "-crl_nextupdate", time(to)];
      return inFolder((folder) => {
        const config = ["-config", prepare(folder, "", lines)];
        return openssl(["ca", "-gencrl", ...config, ...signer(folder, this), ...dates]);
      });
    });
  }
}

/** Paths of the files `NAME-cert.pem` (the chain), `NAME-key.pem` and `NAME.pem` (both) in the scene's folder. */
export function save(scene: Scene, name: string, { chain, key }: Certified) {
  return {
    cert: scene.write(`${name}-cert.pem`, chain),
    key: scene.write(`${name}-key.pem`, key),
    keystore: scene.write(`${name}.pem`, `${key}${chain}`),
  };
}

/** The pin of a certificate's public key, as flags take it. */
export function pinOf({ cert }: Certified, algorithm: "sha256" | "sha384" | "sha512" = "sha256"): string {
  const key = derOf(openssl(["x509", "-noout", "-pubkey"], cert));
  return `${algorithm}:${Buffer.from(opensslBytes(["dgst", `-${algorithm}`, "-binary"], key)).toString("base64")}`;
}

/** Runs `openssl` to its end and returns what it printed. Throws with its words when it fails. */
export function openssl(args: readonly string[], stdin: string | Uint8Array = ""): string {
  return Buffer.from(opensslBytes(args, stdin)).toString("utf8");
}

export function opensslBytes(args: readonly string[], stdin: string | Uint8Array = ""): Uint8Array {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["openssl", ...args], {
    stdin: Buffer.from(stdin),
    env: environment(),
    stdout: "pipe",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr.toString()}`);
  return stdout;
}

/** The bytes inside the first PEM block of `pem`. */
export function derOf(pem: string): Uint8Array {
  const body = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(pem);
  if (body === null) throw new Error("no PEM block");
  return Buffer.from(body[1]!, "base64");
}

/** Runs `use` with a folder that is gone afterwards. */
export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "portail-pki-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes a file and returns its path. */
export function put(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What `key` stands for is made at the first call. */
export function once<T>(key: readonly unknown[], make: () => T): T {
  const name = JSON.stringify(key);
  if (!made.has(name)) made.set(name, make());
  return made.get(name) as T;
}

function certify(issuer: Authority | undefined, options: CertOptions, isAuthority: boolean): Certified {
  const { from = -1, to = 365 } = options;
  const { cert, key } = inFolder((folder) => {
    const [keyFile, request, certFile] = [join(folder, "key"), join(folder, "request"), join(folder, "cert")];
    const config = ["-config", prepare(folder, extensions(options, isAuthority), [])];
    const newKey = ["-newkey", ...KEYS[options.key ?? "p256"], "-nodes", "-keyout", keyFile];
    openssl(["req", "-new", "-utf8", ...config, ...newKey, "-subj", subject(options), "-out", request]);
    const by = issuer ? signer(folder, issuer) : ["-selfsign", "-keyfile", keyFile];
    const dates = ["-startdate", time(from), "-enddate", time(to)];
    openssl(["ca", "-batch", "-utf8", "-notext", ...config, ...by, ...dates, "-in", request, "-out", certFile]);
    return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  });
  const chain = issuer && !issuer.root ? cert + issuer.chain : cert;
  const result = { cert, key, chain, der: derOf(cert) };
  return isAuthority ? new Authority(result, issuer === undefined) : result;
}

function signer(folder: string, { cert, key }: Authority): string[] {
  return ["-cert", put(folder, "issuer", cert), "-keyfile", put(folder, "issuer-key", key)];
}

function subject({ subject, cn = "localhost", ou = [] }: CertOptions): string {
  if (subject !== undefined) return subject;
  const escape = (text: string) => text.replace(/[\\/+]/g, "\\$&");
  const parts = [...ou.map((unit) => `/OU=${escape(unit)}`), ...(cn === "" ? [] : [`/CN=${escape(cn)}`])];
  return parts.join("") || "/";
}

function extensions({ san, eku, extensions = [] }: CertOptions, isAuthority: boolean): string {
  const names = san ?? (isAuthority ? [] : LOOPBACK);
  const usages = eku ?? (isAuthority ? "" : "serverAuth, clientAuth");
  const lines = [
    `basicConstraints = critical, CA:${isAuthority ? "TRUE" : "FALSE"}`,
    "subjectKeyIdentifier = hash",
    "authorityKeyIdentifier = keyid",
    ...(isAuthority ? ["keyUsage = critical, keyCertSign, cRLSign"] : []),
    ...(usages === "" ? [] : [`extendedKeyUsage = ${usages}`]),
    ...(names.length === 0 ? [] : ["subjectAltName = @names"]),
    ...extensions,
    "[names]",
    ...names.map((name, i) => name.replace(/^(\w+):/, `$1.${i} = `).replace(/[\\$]/g, "\\$&")),
  ];
  return lines.join("\n");
}

/** What `openssl ca` wants to see: a configuration, whose path it returns, a database, and a serial number, here random. */
function prepare(folder: string, extensions: string, index: readonly string[]): string {
  const database = put(folder, "index", index.map((line) => `${line}\n`).join(""));
  const crlNumber = put(folder, "crl-number", "01\n");
  const lines = [
    "[ca]\ndefault_ca = test",
    `[test]\ndatabase = ${database}\nnew_certs_dir = ${folder}\ncrlnumber = ${crlNumber}\nunique_subject = no`,
    "rand_serial = yes\ndefault_md = sha256\npolicy = any\nx509_extensions = ext\npreserve = yes\nemail_in_dn = yes",
    `[any]\n${FIELDS.map((field) => `${field} = optional`).join("\n")}`,
    "[req]\ndistinguished_name = none\nprompt = no\n[none]",
    `[ext]\n${extensions}\n`,
  ];
  return put(folder, "config", lines.join("\n"));
}

/** `days` from now, as openssl takes times. */
function time(days: number): string {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${iso.slice(0, 19).replace(/[-:T]/g, "")}Z`;
}
