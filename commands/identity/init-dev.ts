/** `portail identity init-dev`: an authority with a server's and a client's certificate, to try things out with. */
import { generateKeyPairSync, randomBytes, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseInteger } from "../../lib/command/values.ts";
import { existing, stageNewFile, type StagedFile } from "../../lib/command/write-file.ts";
import { issueCertificate, parseAltName, parseSubject, spkiOf } from "../../lib/identity/issue.ts";
import { MemorySigner } from "../../lib/identity/memory-signer.ts";
import { encodePem } from "../../lib/wire/pem.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  comment,
  extendedKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "../../lib/wire/x509-write.ts";

/** In every certificate, where people look who wonder what it is. */
const MARK = "portail development only";
const WARNING = "Made by portail identity init-dev for trying things out. Trust it nowhere else.";
const DAY = 86_400_000;
const CODES = { cannotWrite: "identity.cannot_write", exists: "identity.exists" };

export default defineCommand({
  meta: {
    name: "init-dev",
    description: "Make a development authority with a server and a client certificate, for trying things out",
    long: `Six files are written to the folder: ca.pem and ca.key, server.pem and server.key, client.pem and client.key. Keys are
P-256 and not encrypted, and all files are readable by their owner only. Every certificate says that it is for development; whoever has
ca.key can be anybody to those who trust ca.pem. Files that are there are not replaced.`,
    examples: [
      { command: "portail identity init-dev", description: "Write to the folder portail-dev" },
      {
        command: "portail identity init-dev --days 90 --name DNS:dev.example try",
        description: "For three months, with a further name of the server",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "written" },
      { status: EXIT.usage, meaning: "a flag is wrong" },
      { status: EXIT.cannotCreate, meaning: "a file is there already, or cannot be written" },
    ],
  },
  args: {
    folder: {
      type: "positional",
      valueHint: "FOLDER",
      default: "portail-dev",
      description: "Where the files go; it is made where it is not there",
    },
    days: { type: "string", valueHint: "N", default: "30", description: "How long the certificates are valid" },
    name: {
      type: "string",
      multiple: true,
      valueHint: "NAME",
      description: "A further name of the server, as --san of portail identity csr takes it",
    },
  },
  async run({ args, data }) {
    const days = parseInteger("--days", args.days, { min: 1, max: 365 });
    const names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", ...args.name].map(parseAltName);
    const folder = resolve(data.cwd, args.folder);
    const made = await makeAll(days * DAY, names);
    makeFolder(folder);
    writeAll(folder, made);
    data.log.warn(`the certificates in ${JSON.stringify(args.folder)} are for development only: ca.key can be anybody`);
    for (const name of Object.keys(made)) data.stdout.write(`${join(args.folder, name)}\n`);
    return EXIT.done;
  },
});

async function makeAll(validity: number, names: Parameters<typeof subjectAltName>[0]): Promise<Record<string, string>> {
  const [ca, server, client] = [newKey(), newKey(), newKey()];
  const authority = new MemorySigner("ca.key", ca);
  const issuer = nameOf("Development CA");
  const now = Date.now();
  const issue = async (key: KeyObject, subject: Uint8Array, extensions: readonly Uint8Array[]) => {
    const own = identifier(key);
    const certificate = await issueCertificate(authority, {
      serial: Uint8Array.from([0x01, ...randomBytes(15)]),
      issuer,
      subject,
      // Clocks of a few machines may differ.
      notBefore: now - DAY / 24,
      notAfter: now + validity,
      spki: spkiOf(new MemorySigner("", key)),
      extensions: [...extensions, subjectKeyIdentifier(own), authorityKeyIdentifier(identifier(ca)), comment(WARNING)],
    });
    return encodePem("CERTIFICATE", certificate);
  };
  const leaf = [basicConstraints(false), keyUsage([0])];
  return {
    "ca.pem": await issue(ca, issuer, [basicConstraints(true), keyUsage([5, 6])]),
    "ca.key": pemOf(ca),
    "server.pem": await issue(server, nameOf("server"), [...leaf, extendedKeyUsage("server"), subjectAltName(names)]),
    "server.key": pemOf(server),
    "client.pem": await issue(client, nameOf("client"), [...leaf, extendedKeyUsage("client")]),
    "client.key": pemOf(client),
  };
}

const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

const nameOf = (cn: string): Uint8Array => parseSubject(`CN=${cn},O=${MARK}`);

/** RFC 7093 section 2, method 1. */
function identifier(key: KeyObject): Uint8Array {
  const spki = spkiOf(new MemorySigner("", key));
  return new Bun.CryptoHasher("sha256").update(spki).digest().subarray(0, 20);
}

/** None where one of them is there already. */
function writeAll(folder: string, made: Readonly<Record<string, string>>): void {
  const paths = Object.entries(made).map(([name, text]) => [join(folder, name), text] as const);
  const there = paths.find(([path]) => existsSync(path));
  if (there !== undefined) throw existing(there[0], CODES.exists);
  const staged: StagedFile[] = [];
  try {
    for (const [path, text] of paths) staged.push(stageNewFile(path, text, CODES));
    for (const file of staged) file.commit();
  } finally {
    for (const file of staged) file.discard();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new PortailError(`cannot make the folder ${JSON.stringify(folder)}: ${(error as Error).message}`, {
      code: "identity.cannot_write",
      exit: EXIT.cannotCreate,
      hint: "name another folder",
      cause: error,
    });
  }
}
