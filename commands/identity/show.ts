/** `portail identity show`: what would be presented to a peer, once the key has proved that it signs. */
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import { decodePeer, type Peer } from "../../lib/identity/peer.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { tokensOf } from "../../lib/identity/token/tokens.ts";
import { exits } from "./exits.ts";
import { ownFlags } from "./flags.ts";

export default defineCommand({
  meta: {
    name: "show",
    description: "Show the certificate that would be presented, and where its key is",
    long: `The flags are those of every command that presents a certificate. A key in a token has to sign something, which must
verify with the certificate's public key.`,
    examples: [
      { command: "portail identity show --cert web.pem --key web.key", description: "An identity in files" },
      {
        command: "portail identity show --json --key 'pkcs11:object=web?module-path=/usr/lib/softhsm/libsofthsm2.so'",
        description: "One in a token, for a program",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "shown" },
      { status: EXIT.badData, meaning: "a file does not hold what it should, or key and certificate do not fit" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      ...exits,
    ],
  },
  args: { json: { type: "boolean", description: "Write one line of JSON" }, ...ownFlags },
  async run({ args, data }) {
    const source = parseIdentityFlags({ ...args, cacert: [], crl: [] }).identity;
    if (source === undefined) {
      const hint = "give --keystore, or --cert and --key, or --pkcs11-module";
      throw usage("usage.missing", "no identity is named", hint);
    }
    const files = new SourceFiles(data);
    try {
      const identity = await openIdentity(source, files);
      const told = tell(identity);
      for (const warning of identity.warnings) data.log.warn(warning);
      data.stdout.write(args.json ? `${JSON.stringify(told)}\n` : text(told));
    } finally {
      tokensOf(files).close();
    }
    return EXIT.done;
  },
});

function tell({ credential, chain }: Identity) {
  const peer = peerOf(chain[0]!);
  const { subject, issuer, serial, notBefore, notAfter, certificate } = peer;
  const { dns, ip, uri, email } = peer;
  return {
    subject,
    issuer,
    serial,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    names: [
      ...dns.map((name) => `DNS:${name}`),
      ...ip.map((name) => `IP:${name}`),
      ...uri.map((name) => `URI:${name}`),
      ...email.map((name) => `email:${name}`),
    ],
    usages: (certificate.extendedKeyUsage ?? []).map((oid) => USAGES[oid] ?? oid),
    pin: `sha256:${peer.pin}`,
    fingerprint: new Bun.CryptoHasher("sha256").update(peer.der).digest("hex"),
    chain: chain.map((der) => peerOf(der).subject),
    key: credential.kind === "signer" ? credential.signer.name : "in memory, from a file",
  };
}

function peerOf(der: Uint8Array): Peer {
  const read = decodePeer(der);
  if (read.kind === "ok") return read.value;
  throw usage(
    "identity.bad_certificate",
    `the certificate cannot be read: ${read.reason}`,
    "inspect it with openssl x509",
  );
}

const USAGES: Readonly<Record<string, string>> = {
  "1.3.6.1.5.5.7.3.1": "servers",
  "1.3.6.1.5.5.7.3.2": "clients",
};

const LABELS = {
  subject: "subject",
  issuer: "issuer",
  serial: "serial number",
  notBefore: "valid from",
  notAfter: "valid until",
  names: "names",
  usages: "for",
  pin: "pin of its key",
  fingerprint: "SHA-256",
  chain: "chain",
  key: "private key",
} as const;

function text(told: ReturnType<typeof tell>): string {
  const width = Math.max(...Object.values(LABELS).map((label) => label.length));
  return Object.entries(told)
    .map(([name, value]) => {
      const values = Array.isArray(value) ? value : [value];
      const shown = values.length === 0 ? "none" : values.join(`\n${" ".repeat(width + 2)}`);
      return `${LABELS[name as keyof typeof LABELS].padEnd(width)}  ${shown}\n`;
    })
    .join("");
}
