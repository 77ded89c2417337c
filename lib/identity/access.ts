/** The `--allow-*` and `--verify-*` rules: which verified peers they let in. Verifies no certificate, and asks no policy. */
import { EXIT, PortailError } from "../command/errors.ts";
import { formatIp, parseIp } from "../wire/ip.ts";
import { compileDnsGlob, compileNameGlob, type NameGlob } from "./name-glob.ts";
import type { Peer, PinAlgorithm } from "./peer.ts";
import { quoteSome } from "./quote.ts";
import { compileUriPattern, type UriPattern } from "./uri-pattern.ts";

/** `allow` for the clients of a server, `verify` for the servers of a client. */
export type AccessPrefix = "allow" | "verify";

/** Values as they stand on the command line or in the configuration. */
export interface AccessInput {
  all?: boolean;
  cn?: readonly string[];
  ou?: readonly string[];
  dns?: readonly string[];
  ip?: readonly string[];
  uri?: readonly string[];
  /** `ALGO:BASE64`. */
  spkiPin?: readonly string[];
}

interface Pin {
  readonly algorithm: PinAlgorithm;
  readonly digest: string;
}

export interface AccessRules {
  readonly prefix: AccessPrefix;
  /** Nothing was given: such rules permit nobody. */
  readonly empty: boolean;
  /** Pins stand in place of the chain and of the server name, and there is no other rule. */
  readonly pinned: boolean;
  readonly all: boolean;
  readonly cn: readonly NameGlob[];
  readonly ou: readonly NameGlob[];
  readonly dns: readonly NameGlob[];
  /** Canonical text. */
  readonly ip: readonly string[];
  readonly uri: readonly UriPattern[];
  readonly pins: readonly Pin[];
}

type AccessRule = "all" | "cn" | "ou" | "dns" | "ip" | "uri" | "spki-pin";
type AccessReason = "no_certificate" | "no_access_rule" | "no_access_rule_matches" | "wrong_pin";

/** `by` is the flag that let the peer in, without dashes. `reason` is stable; `message` half a sentence for people. */
type AccessVerdict =
  { ok: true; by: `${AccessPrefix}-${AccessRule}` } | { ok: false; reason: AccessReason; message: string };

/**
 * Parses rules. Throws `PortailError` (64): `usage.value` for a value that cannot be read, `usage.conflict` for
 * `--allow-all` or pins beside anything else. No rule at all is not refused here, and permits nobody.
 */
export function parseAccessRules(input: AccessInput, prefix: AccessPrefix): AccessRules {
  const { all = false, cn = [], ou = [], dns = [], ip = [], uri = [], spkiPin = [] } = input;
  const given = Object.entries({ all: all ? [""] : [], cn, ou, dns, ip, uri, "spki-pin": spkiPin })
    .filter(([, values]) => values.length > 0)
    .map(([name]) => `--${prefix}-${name}`);
  refuseBeside(given, `--${prefix}-all`, "it lets in everybody whom the other rules could let in");
  refuseBeside(
    given,
    `--${prefix}-spki-pin`,
    "a pin stands in place of the certificate's chain, on which the others rest",
  );
  return {
    prefix,
    empty: given.length === 0,
    pinned: spkiPin.length > 0,
    all,
    cn: cn.map((text) => compileNameGlob(notEmpty(`--${prefix}-cn`, text))),
    ou: ou.map((text) => compileNameGlob(notEmpty(`--${prefix}-ou`, text))),
    dns: dns.map((text) => compileDnsGlob(notEmpty(`--${prefix}-dns`, text))),
    ip: ip.map((text) => parseAddress(`--${prefix}-ip`, text)),
    uri: uri.map((text) => parseUriPattern(`--${prefix}-uri`, text)),
    pins: spkiPin.map((text) => parsePin(`--${prefix}-spki-pin`, text)),
  };
}

/** Of a server: the flags of these names, or the keys of a table. */
export interface AllowGiven {
  readonly "allow-all": boolean;
  readonly "allow-cn": readonly string[];
  readonly "allow-ou": readonly string[];
  readonly "allow-dns": readonly string[];
  readonly "allow-ip": readonly string[];
  readonly "allow-uri": readonly string[];
  readonly "allow-spki-pin": readonly string[];
}

/** As `parseAccessRules`. */
export function parseAllowRules(given: AllowGiven): AccessRules {
  const input = {
    all: given["allow-all"],
    cn: given["allow-cn"],
    ou: given["allow-ou"],
    dns: given["allow-dns"],
    ip: given["allow-ip"],
    uri: given["allow-uri"],
    spkiPin: given["allow-spki-pin"],
  };
  return parseAccessRules(input, "allow");
}

/** Of a client. */
export interface VerifyGiven {
  readonly "verify-cn": readonly string[];
  readonly "verify-ou": readonly string[];
  readonly "verify-dns": readonly string[];
  readonly "verify-ip": readonly string[];
  readonly "verify-uri": readonly string[];
  readonly "verify-spki-pin": readonly string[];
}

/** Undefined where nothing is asked besides chain and name. Throws as `parseAccessRules`. */
export function parseVerifyRules(given: VerifyGiven): AccessRules | undefined {
  const input = {
    cn: given["verify-cn"],
    ou: given["verify-ou"],
    dns: given["verify-dns"],
    ip: given["verify-ip"],
    uri: given["verify-uri"],
    spkiPin: given["verify-spki-pin"],
  };
  const rules = parseAccessRules(input, "verify");
  return rules.empty ? undefined : rules;
}

/**
 * Whether one of the rules names the peer. `peer` is undefined where there is no certificate, or none that was verified
 * (under pins: none that could be read); nobody is permitted then. Takes time in proportion to the number of rules.
 */
export function permits(rules: AccessRules, peer: Peer | undefined): AccessVerdict {
  if (peer === undefined) return refuse("no_certificate", "there is no certificate");
  if (rules.empty) return refuse("no_access_rule", `there is no --${rules.prefix}-* rule`);
  if (rules.pinned) {
    if (rules.pins.some(({ algorithm, digest }) => peer.pinBy(algorithm) === digest)) return allow(rules, "spki-pin");
    return refuse("wrong_pin", `the public key sha256:${peer.pin} is not pinned`);
  }
  const { cn } = peer;
  if (rules.all) return allow(rules, "all");
  if (cn !== undefined && rules.cn.some((glob) => glob.matches(cn))) return allow(rules, "cn");
  if (rules.ou.some((glob) => peer.ou.some((name) => glob.matches(name)))) return allow(rules, "ou");
  if (rules.dns.some((glob) => peer.dns.some((name) => glob.matches(name)))) return allow(rules, "dns");
  if (rules.uri.some((pattern) => peer.uri.some((name) => pattern.matches(name)))) return allow(rules, "uri");
  if (rules.ip.some((text) => peer.ip.includes(text))) return allow(rules, "ip");
  return refuse("no_access_rule_matches", `no --${rules.prefix}-* rule names ${describe(peer)}`);
}

const allow = (rules: AccessRules, rule: AccessRule): AccessVerdict => ({ ok: true, by: `${rules.prefix}-${rule}` });

const refuse = (reason: AccessReason, message: string): AccessVerdict => ({ ok: false, reason, message });

function describe({ cn, ou, dns, uri, ip }: Peer): string {
  const kinds = Object.entries({ CN: cn === undefined ? [] : [cn], OU: ou, DNS: dns, URI: uri, IP: ip });
  const told = kinds.filter(([, names]) => names.length > 0).map(([kind, names]) => `${kind} ${quoteSome(names)}`);
  return told.length === 0 ? "a certificate without names" : told.join(", ");
}

function refuseBeside(given: readonly string[], flag: string, why: string): void {
  const other = given.find((name) => name !== flag);
  if (other === undefined || !given.includes(flag)) return;
  throw new PortailError(`${flag} and ${other} exclude each other`, {
    code: "usage.conflict",
    exit: EXIT.usage,
    hint: `leave one of them out: ${why}`,
  });
}

function notEmpty(flag: string, text: string): string {
  if (text === "")
    throw invalid(flag, text, "a name", "name what the certificate must say; * stands for any characters");
  return text;
}

function parseAddress(flag: string, text: string): string {
  const ip = parseIp(text);
  if (ip === undefined)
    throw invalid(flag, text, "an IP address", "write one address, such as 192.0.2.1 or 2001:db8::1");
  return formatIp(ip);
}

function parseUriPattern(flag: string, text: string): UriPattern {
  const { pattern, error } = compileUriPattern(text);
  if (pattern === undefined) {
    const hint = `${error}: write for example spiffe://example.org/*/web or spiffe://example.org/ns/**`;
    throw invalid(flag, text, "a URI pattern", hint);
  }
  return pattern;
}

const PIN_BYTES: Record<PinAlgorithm, number> = { sha256: 32, sha384: 48, sha512: 64 };

function parsePin(flag: string, text: string): Pin {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const digest = text.slice(colon + 1);
  const bytes = Buffer.from(digest, "base64");
  // Decoding is lenient; what is written back must be what was given.
  if (!isPinAlgorithm(algorithm) || bytes.length !== PIN_BYTES[algorithm] || bytes.toString("base64") !== digest) {
    const hint =
      "write sha256:, sha384: or sha512: and the digest in base64: openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64";
    throw invalid(flag, text, "a pin", hint);
  }
  return { algorithm, digest };
}

const isPinAlgorithm = (text: string): text is PinAlgorithm => Object.hasOwn(PIN_BYTES, text);

function invalid(flag: string, text: string, what: string, hint: string): PortailError {
  return new PortailError(`${flag}: ${JSON.stringify(text)} is not ${what}`, {
    code: "usage.value",
    exit: EXIT.usage,
    hint,
  });
}
