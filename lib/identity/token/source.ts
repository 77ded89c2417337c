/** Where a key in a token is, as flags and `pkcs11:` URIs say it. Opens no module, and reads no PIN. */
import { isAbsolute } from "node:path";
import { usage } from "../../command/argv.ts";
import { formatPkcs11Uri, parsePkcs11Uri, type Pkcs11Uri } from "../../wire/pkcs11-uri.ts";
import { Secret } from "../secret.ts";

/** A private key in a token, and the certificate that is presented with it. */
export interface TokenSource {
  readonly kind: "token";
  /** Absolute path of the PKCS#11 module. */
  readonly module: string;
  /** What the key, and the token that it is in, must be like. */
  readonly key: Pkcs11Uri;
  /** A file, or what the certificate in the same token must be like; undefined for the one that has the key's id. */
  readonly cert: string | Pkcs11Uri | undefined;
  /** Undefined where the token asks for none, or a person is to be asked. */
  readonly pin: Secret | undefined;
  /** Nothing in it is encrypted. */
  readonly password?: undefined;
}

/** What the flags for tokens say, beside `--cert` and `--key`. */
export interface TokenFlags {
  readonly module: string | undefined;
  readonly label: string | undefined;
  readonly pin: string | undefined;
  readonly pinFile: string | undefined;
}

/** Parses a URI of `flag`. Throws `PortailError` (64) for one that cannot be read, or has in it what is not taken. */
export function parseTokenUri(flag: string, text: string): Pkcs11Uri {
  const result = parsePkcs11Uri(text);
  const refuse = (why: string, hint: string) => usage("usage.value", `${flag}: the pkcs11: URI ${why}`, hint);
  if (result.kind === "bad") throw refuse(result.reason, "RFC 7512 has the form, e.g. pkcs11:token=NAME;object=KEY");
  const uri = result.value;
  if (uri.pinValue) {
    const hint = "name where the PIN is: ?pin-source=file:/PATH, credential:NAME or env:NAME";
    throw refuse("has the PIN itself in it (pin-value), where every user of this machine can read it", hint);
  }
  if (uri.vendor) throw refuse(`has ${uri.vendor[0]}, which is not known`, "leave it out: it would be passed over");
  if (uri.moduleName !== undefined)
    throw refuse("names its module by module-name", "give the module's path: ?module-path=/PATH");
  if (uri.modulePath !== undefined && !isAbsolute(uri.modulePath))
    throw refuse("has a module-path that is not absolute", "write the whole path, from /");
  return uri;
}

/**
 * The key that `uri` and the flags mean together; `uri` wins where both say something. Throws `PortailError` (64) where
 * no module is named, or the PIN is to be read from two places.
 */
export function tokenSource(
  flags: TokenFlags,
  uri: Pkcs11Uri,
  cert: string | Pkcs11Uri | undefined,
  variables: string,
): TokenSource {
  const module = uri.modulePath ?? flags.module;
  if (module === undefined) {
    const hint = `give --pkcs11-module PATH${variables}, or module-path in the URI`;
    throw usage("usage.missing", "a key in a token needs the path of its PKCS#11 module", hint);
  }
  if (!isAbsolute(module))
    throw usage(
      "usage.value",
      `--pkcs11-module: ${JSON.stringify(module)} is not absolute`,
      "write the whole path, from /",
    );
  if (uri.type !== undefined && uri.type !== "private")
    throw usage(
      "usage.value",
      `a URI with type=${uri.type} is of no private key`,
      "leave type out, or write type=private",
    );
  const { modulePath: _path, pinSource, ...key } = uri;
  const token = key.token ?? flags.label;
  return {
    kind: "token",
    module,
    key: { ...key, ...(token !== undefined && { token }) },
    cert,
    pin: pinOf(flags, pinSource),
  };
}

function pinOf({ pin, pinFile }: TokenFlags, pinSource: string | undefined): Secret | undefined {
  if (pin !== undefined && pinFile !== undefined) {
    const hint = "PKCS11_PIN of the environment counts as --pkcs11-pin";
    throw usage("usage.conflict", "--pkcs11-pin and --pkcs11-pin-file exclude each other", hint);
  }
  if (pinSource !== undefined) return parsePinSource(pinSource);
  if (pinFile !== undefined) return Secret.ofFile(pinFile);
  return pin === undefined ? undefined : Secret.ofText(pin);
}

/** RFC 7512 section 2.4 leaves the form open, but for `file:` and `|`. */
function parsePinSource(text: string): Secret {
  if (text.startsWith("credential:")) return Secret.ofFile(text);
  if (text.startsWith("env:") && text.length > 4) return Secret.ofVariable(text.slice(4));
  const path = text.startsWith("file://") ? text.slice(7) : text.startsWith("file:") ? text.slice(5) : text;
  if (isAbsolute(path)) return Secret.ofFile(path);
  const hint = "write file:/PATH, credential:NAME or env:NAME; programs (|) are not run";
  throw usage("usage.value", `pin-source: ${JSON.stringify(text)} is no place that a PIN is read from`, hint);
}

/** For people. */
export function describeSource({ key }: TokenSource): string {
  return formatPkcs11Uri(key);
}
