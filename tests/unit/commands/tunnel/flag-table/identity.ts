/** Rows of the flags that say who we are and whom we believe, and of ghostunnel's variables for them. */
import type { Rows } from "./row.ts";

const ALONE = { without: ["identity"] } as const;
const TRUST = { without: ["trust"] } as const;

function identity(source: object): object {
  return { tunnels: [{ from: { sources: { identity: source } } }] };
}

function trust(source: object): object {
  return { tunnels: [{ from: { sources: { trust: source } } }] };
}

const PAIR = { kind: "pair", cert: "@/own-cert.pem", key: "@/own-key.pem" };

export const identityRows = {
  cert: {
    takes: [
      ["--cert @/own-cert.pem --key @/own-key.pem", identity(PAIR), ALONE],
      ["", identity(PAIR), { ...ALONE, env: { CERT_PATH: "@/own-cert.pem", KEY_PATH: "@/own-key.pem" } }],
      ["--cert @/own-cert.pem", identity(PAIR), { ...ALONE, env: { CERT_PATH: "no.pem", KEY_PATH: "@/own-key.pem" } }],
    ],
    refuses: [
      ["--cert @/own-cert.pem", 64, "usage.missing", "--cert needs --key", "a file that has both is --keystore", ALONE],
      ["", 64, "usage.missing", "--cert needs --key", "--keystore", { ...ALONE, env: { CERT_PATH: "@/own-cert.pem" } }],
      ["--cert no.pem --key @/own-key.pem", 66, "identity.cert_unreadable", "no such file", "working directory", ALONE],
      ["--cert @/own-key.pem --key @/own-key.pem", 65, "identity.key_as_certificate", "is a private key", "", ALONE],
      ["--cert @/own.p12 --key @/own-key.pem", 65, "identity.no_certificate", "holds no certificate", "", ALONE],
      ["--cert @/ca.pem --key @/own-key.pem", 65, "identity.mismatch", "is of no certificate in", "replaced", ALONE],
      ["--cert @/empty --key @/own-key.pem", 65, "identity.empty", "is empty", "openssl storeutl", ALONE],
    ],
  },
  key: {
    takes: [
      ["--key @/locked-key.pem --cert @/own-cert.pem --storepass-file @/password", identity({ kind: "pair" }), ALONE],
    ],
    refuses: [
      ["--key @/own-key.pem", 64, "usage.missing", "--key needs --cert", "a file that has both is --keystore", ALONE],
      ["--key @/own-cert.pem --cert @/own-cert.pem", 65, "identity.certificate_as_key", "is a certificate", "", ALONE],
      ["--key no.pem --cert @/own-cert.pem", 66, "identity.key_unreadable", "no such file", "", ALONE],
      [
        "--key @/locked-key.pem --cert @/own-cert.pem",
        65,
        "identity.password_missing",
        "is encrypted, and there is no password for it",
        "--storepass-file FILE",
        ALONE,
      ],
    ],
  },
  keystore: {
    takes: [
      ["--keystore @/own.pem", identity({ kind: "keystore", keystore: "@/own.pem" }), ALONE],
      ["--keystore @/own.p12", identity({ kind: "keystore", keystore: "@/own.p12" }), ALONE],
      ["", identity({ kind: "keystore" }), { ...ALONE, env: { KEYSTORE_PATH: "@/own.p12" } }],
      ["--keystore @/own.pem", identity({ keystore: "@/own.pem" }), { ...ALONE, env: { KEYSTORE_PATH: "no.p12" } }],
    ],
    refuses: [
      [
        "--keystore @/own.pem --cert @/own-cert.pem --key @/own-key.pem",
        64,
        "usage.conflict",
        "--keystore and --cert exclude each other",
        "give one identity",
        ALONE,
      ],
      ["--keystore @/own.pem --key @/own-key.pem", 64, "usage.conflict", "--keystore and --key exclude", "", ALONE],
      [
        "--cert @/own-cert.pem --key @/own-key.pem",
        64,
        "usage.conflict",
        "--keystore and --cert exclude each other",
        "KEYSTORE_PATH of the environment count too",
        { ...ALONE, env: { KEYSTORE_PATH: "@/own.pem" } },
      ],
      [
        "--keystore @/own-key.pem",
        65,
        "identity.no_certificate",
        "holds a private key and no certificate",
        "--key",
        ALONE,
      ],
      ["--keystore @/own-cert.pem", 65, "identity.no_key", "holds no private key", "--cert and --key", ALONE],
      ["--keystore @/old.jks", 65, "identity.java_keystore", "is a Java keystore (JKS)", "keytool", ALONE],
      ["--keystore @/old.jceks", 65, "identity.java_keystore", "is a Java keystore (JCEKS)", "keytool", ALONE],
      ["--keystore no.p12", 66, "identity.keystore_unreadable", 'cannot read keystore "no.p12"', "", ALONE],
      [
        "--keystore @/locked.p12",
        65,
        "identity.password_missing",
        "there is no password for it",
        "KEYSTORE_PASS",
        ALONE,
      ],
      [
        "",
        64,
        "tunnel.no_identity",
        "there is no certificate to present",
        "give --keystore, or --cert and --key",
        ALONE,
      ],
    ],
  },
  storepass: {
    takes: [
      ["--storepass open-sesame --keystore @/locked.p12", identity({ kind: "keystore" }), ALONE],
      ["--keystore @/locked.p12", identity({ kind: "keystore" }), { ...ALONE, env: { KEYSTORE_PASS: "open-sesame" } }],
      ["--storepass= --keystore @/own.p12", identity({ kind: "keystore" }), ALONE],
    ],
    refuses: [
      ["--storepass wrong --keystore @/locked.p12", 65, "identity.wrong_password", "does not open", "", ALONE],
      [
        "--storepass open-sesame --storepass-file @/password --keystore @/locked.p12",
        64,
        "usage.conflict",
        "--storepass and --storepass-file exclude each other",
        "KEYSTORE_PASS of the environment counts as --storepass",
        ALONE,
      ],
    ],
  },
  "storepass-file": {
    takes: [
      ["--storepass-file @/password --keystore @/locked.p12", identity({ kind: "keystore" }), ALONE],
      [
        "--storepass-file credential:password --keystore @/locked.p12",
        identity({ kind: "keystore" }),
        { ...ALONE, env: { CREDENTIALS_DIRECTORY: "@/" } },
      ],
    ],
    refuses: [
      ["--storepass-file no --keystore @/locked.p12", 66, "identity.secret_unreadable", "no such file", "", ALONE],
      [
        "--storepass-file credential:x --keystore @/locked.p12",
        78,
        "identity.no_credentials",
        "CREDENTIALS_DIRECTORY is not set",
        "LoadCredential=x:PATH",
        ALONE,
      ],
    ],
  },
  cacert: {
    takes: [
      ["--cacert @/ca.pem", trust({ cacert: ["@/ca.pem"] }), TRUST],
      ["--cacert @/ca.pem --cacert @/other-ca.pem", trust({ cacert: ["@/ca.pem", "@/other-ca.pem"] }), TRUST],
      ["", trust({ cacert: ["@/ca.pem"] }), { ...TRUST, env: { CACERT_PATH: "@/ca.pem" } }],
      ["", trust({ cacert: [] }), { ...TRUST, env: { SSL_CERT_FILE: "@/ca.pem" } }],
    ],
    refuses: [
      [
        "--cacert @/own-key.pem",
        65,
        "identity.key_as_trust",
        "is a private key",
        "certificate of the authority",
        TRUST,
      ],
      ["", 65, "identity.key_as_trust", "is a private key", "", { ...TRUST, env: { CACERT_PATH: "@/own-key.pem" } }],
      ["--cacert @/own.p12", 65, "identity.keystore_as_trust", "is a PKCS#12 file", "openssl pkcs12 -nokeys", TRUST],
      ["--cacert @/list.crl", 65, "identity.crl_as_trust", "is a revocation list", "--crl", TRUST],
      ["--cacert @/password", 65, "identity.unknown_format", "is neither PEM nor DER", "openssl storeutl", TRUST],
      ["--cacert no.pem", 66, "identity.cacert_unreadable", "cannot read trust bundle", "", TRUST],
    ],
  },
  crl: {
    takes: [["--crl @/list.crl --crl @/list.crl", trust({ crl: ["@/list.crl", "@/list.crl"] })]],
    refuses: [
      [
        "--crl @/ca.pem",
        65,
        "identity.no_crl",
        "holds no revocation list",
        "it holds certificates: give it as --cacert",
      ],
      ["--crl @/own-key.pem", 65, "identity.no_crl", "holds no revocation list", "openssl storeutl"],
      ["--crl no.crl", 66, "identity.crl_unreadable", "cannot read revocation list", ""],
    ],
  },
} satisfies Rows;
