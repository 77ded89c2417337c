/** Rows of the flags that say who we are and whom we believe, and of ghostunnel's variables for them. */
import type { Rows } from "./row.ts";

const ALONE = { without: ["identity"] } as const;
const TRUST = { without: ["trust"] } as const;

function identity(source: object): object {
  return { tunnels: [{ from: { sources: { identity: source } } }] };
}

function token(source: object): object {
  return identity({ kind: "token", ...source });
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
  "pkcs11-module": {
    takes: [
      [
        "--pkcs11-module /no/module.so --cert @/own-cert.pem",
        token({ module: "/no/module.so", key: {}, cert: "@/own-cert.pem" }),
        { ...ALONE, runs: false },
      ],
      [
        "--key pkcs11:token=t;object=k?pin-source=file:/pin",
        token({ module: "/no/module.so", key: { token: "t", object: "k" }, cert: undefined }),
        { ...ALONE, runs: false, env: { PKCS11_MODULE: "/no/module.so" } },
      ],
      [
        "--cert pkcs11:id=%01;type=cert?module-path=/no/module.so",
        token({ module: "/no/module.so", key: { id: Uint8Array.of(1) }, cert: { id: Uint8Array.of(1), type: "cert" } }),
        { ...ALONE, runs: false },
      ],
    ],
    refuses: [
      ["--pkcs11-module /no/module.so", 69, "token.no_module", 'no PKCS#11 module "/no/module.so"', "Debian", ALONE],
      [
        "--pkcs11-module module.so",
        64,
        "usage.value",
        '"module.so" is not absolute',
        "write the whole path, from /",
        ALONE,
      ],
      [
        "--pkcs11-module /no/module.so --key @/own-key.pem --cert @/own-cert.pem",
        64,
        "usage.conflict",
        "--pkcs11-module and --key exclude each other",
        "PKCS11_MODULE of the environment counts too",
        ALONE,
      ],
      [
        "--pkcs11-module /no/module.so --keystore @/own.p12",
        64,
        "usage.conflict",
        "--pkcs11-module and --keystore exclude each other",
        "leave one out",
        ALONE,
      ],
      [
        "--key pkcs11:object=k",
        64,
        "usage.missing",
        "needs the path of its PKCS#11 module",
        "--pkcs11-module PATH",
        ALONE,
      ],
      [
        "--key pkcs11:object=k;object=l",
        64,
        "usage.value",
        "--key: the pkcs11: URI has object twice",
        "RFC 7512",
        ALONE,
      ],
      ["--key pkcs11:object=k?pin-value=1234", 64, "usage.value", "has the PIN itself in it", "pin-source", ALONE],
      [
        "--key pkcs11:object=k?module-path=/m.so&pin-source=|cat",
        64,
        "usage.value",
        "no place that a PIN is read from",
        "programs (|) are not run",
        ALONE,
      ],
      ["--key pkcs11:object=k;x-new=1", 64, "usage.value", "has x-new, which is not known", "leave it out", ALONE],
      [
        "--key pkcs11:object=k?module-name=p11",
        64,
        "usage.value",
        "names its module by module-name",
        "module-path",
        ALONE,
      ],
      ["--key pkcs11:object=k?module-path=m.so", 64, "usage.value", "is not absolute", "from /", ALONE],
      ["--key pkcs11:type=cert?module-path=/m.so", 64, "usage.value", "of no private key", "type=private", ALONE],
      [
        "--cert pkcs11:id=%01?module-path=/m.so --key @/own-key.pem",
        64,
        "usage.conflict",
        "exclude each other",
        "in a token or in a file",
        ALONE,
      ],
    ],
  },
  "pkcs11-token-label": {
    takes: [
      [
        "--pkcs11-token-label t --pkcs11-module /no/module.so",
        token({ key: { token: "t" } }),
        { ...ALONE, runs: false },
      ],
      [
        "--pkcs11-token-label t --key pkcs11:token=u?module-path=/no/module.so",
        token({ key: { token: "u" } }),
        { ...ALONE, runs: false },
      ],
    ],
    refuses: [
      ["--pkcs11-token-label t", 64, "usage.missing", "--pkcs11-token-label needs --pkcs11-module", "PKCS11_*"],
      [
        "",
        64,
        "usage.missing",
        "--pkcs11-token-label needs",
        "PKCS11_*",
        { env: { PKCS11_TOKEN_LABEL: "--pkcs11-token-label" } },
      ],
    ],
  },
  "pkcs11-pin": {
    takes: [["--pkcs11-pin 1234 --pkcs11-module /no/module.so", token({ key: {} }), { ...ALONE, runs: false }]],
    refuses: [["--pkcs11-pin 1234", 64, "usage.missing", "--pkcs11-pin needs --pkcs11-module", "PKCS11_*"]],
  },
  "pkcs11-pin-file": {
    takes: [["--pkcs11-pin-file no --pkcs11-module /no/module.so", token({ key: {} }), { ...ALONE, runs: false }]],
    refuses: [
      ["--pkcs11-pin-file no", 64, "usage.missing", "--pkcs11-pin-file needs --pkcs11-module", "PKCS11_*"],
      [
        "--pkcs11-pin-file no --pkcs11-pin 1234 --pkcs11-module /no/module.so",
        64,
        "usage.conflict",
        "--pkcs11-pin and --pkcs11-pin-file exclude each other",
        "PKCS11_PIN",
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
