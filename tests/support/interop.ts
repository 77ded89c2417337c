/** What the tunnel and other TLS programs are tried with: kinds of keys, versions, and the forms in which an identity is given. Runs no program. */
import { connect } from "node:net";
import { authority, save, type Authority, type KeyType } from "./pki.ts";
import { pkcs12 } from "./pki-forms.ts";
import { scenario, type Stage } from "./scenario.ts";
import type { Scene } from "./scene.ts";
import { PIN, SoftHsm, SOFTHSM } from "./softhsm.ts";
import { tunnelConfig, type Table } from "./tunnel-scene.ts";

export type Version = "TLSv1.2" | "TLSv1.3";
type Form = (typeof FORMS)[number];

/** `pair` is two PEM files, `pem` both in one, `pkcs12` a PKCS#12 file. */
const FORMS = ["pair", "pem", "pkcs12"] as const;
const KEYS: readonly KeyType[] = ["rsa", "p256", "p384", "ed25519"];

/** Each kind of key on both sides, in each version, with the forms of our identity in turn. */
export interface Case {
  name: string;
  key: KeyType;
  version: Version;
  form: Form;
}

export const CASES: readonly Case[] = KEYS.flatMap((key, k) =>
  (["TLSv1.2", "TLSv1.3"] as const).map((version, v) => {
    const form = FORMS[(k + v) % FORMS.length]!;
    return { name: `${key}-${version.replace(".", "")}-${form}`, key, version, form };
  }),
);

/** A stage, and the files of its identities. */
export interface InteropStage extends Stage {
  files: InteropFiles;
}

/**
 * A scenario of all cases from source; the binary is told those of one kind of key. With our keys in a token the binary is
 * told all of them, and the source those of that kind, or all in a long run.
 */
export function interopScenario(
  file: string,
  needs: readonly string[],
  keyOfBinary: KeyType,
  tell: (stage: InteropStage, cases: readonly Case[]) => void,
): void {
  const some = CASES.filter(({ key }) => key === keyOfBinary);
  const withFiles = (stage: Stage) => ({ ...stage, files: new InteropFiles(stage.scene) });
  scenario(file, needs, (stage) => tell(withFiles(stage), CASES), ["source"]);
  scenario(file, needs, (stage) => tell(withFiles(stage), some), ["binary"]);
  const withToken = (stage: Stage) => ({ ...stage, files: new InteropFiles(stage.scene, new SoftHsm(stage.scene)) });
  const name = file.replace(".test.ts", "-with-keys-in-a-token.test.ts");
  const long = process.env["PORTAIL_LONG"] === "1";
  scenario(name, [...needs, ...SOFTHSM], (stage) => tell(withToken(stage), long ? CASES : some), ["source"]);
  scenario(name, [...needs, ...SOFTHSM], (stage) => tell(withToken(stage), CASES), ["binary"]);
}

/** The server's name, which is not that of its address. */
export const SERVER_NAME = "db.interop.example";

/** Files of an authority, and of identities of all kinds that it made. */
export class InteropFiles {
  readonly ca: Authority = authority("Interop CA");
  readonly cacert: string;
  /** What portail needs to be told by. */
  readonly env: Record<string, string>;
  readonly #scene: Scene;
  readonly #token: SoftHsm | undefined;
  readonly #put = new Set<string>();

  /** Our own keys are in `token` where there is one, those of the peers always in files. */
  constructor(scene: Scene, token?: SoftHsm) {
    this.#scene = scene;
    this.#token = token;
    this.env = token?.env ?? {};
    this.cacert = scene.write("interop-ca.pem", this.ca.cert);
  }

  /** Paths of PEM and PKCS#12 files; the common name is `ROLE-KEY`, the name of a server `SERVER_NAME`. */
  of(role: "server" | "client", key: KeyType) {
    const { cn, made } = this.#made(role, key);
    return { cn, ...save(this.#scene, cn, made), pkcs12: this.#scene.write(`${cn}.p12`, pkcs12(made)) };
  }

  #made(role: "server" | "client", key: KeyType) {
    const cn = `${role}-${key}`;
    const san = [`DNS:${role === "server" ? SERVER_NAME : `${cn}.example`}`];
    return { cn, made: this.ca.issue({ cn, key, san }) };
  }

  /** A configuration with a tunnel for each case, whose identity is of `role`; `keys` are what each has besides. */
  config(role: "server" | "client", keys: (of: Case) => Table): string {
    const identities = CASES.map((of) => [of.name, this.#identity(role, of)] as const);
    const tunnels = CASES.map((of) => [of.name, { identity: of.name, trust: "interop", ...keys(of) }] as const);
    const trust = { interop: { cacert: this.cacert } };
    const text = tunnelConfig(trust, Object.fromEntries(tunnels), Object.fromEntries(identities));
    return this.#scene.write(`${role}-interop.toml`, text);
  }

  #identity(role: "server" | "client", { key, form }: Case): Table {
    if (this.#token !== undefined) return this.#inToken(this.#token, role, key);
    const files = this.of(role, key);
    if (form === "pair") return { cert: files.cert, key: files.key };
    return { keystore: form === "pem" ? files.keystore : files.pkcs12 };
  }

  /** The chain of a client comes from a file, that of a server from the token too. */
  #inToken(token: SoftHsm, role: "server" | "client", key: KeyType): Table {
    const { cn, made } = this.#made(role, key);
    const isServer = role === "server";
    if (!this.#put.has(cn)) token.put(made, cn, Buffer.from(cn).toString("hex"), { cert: isServer });
    this.#put.add(cn);
    const pin = this.#scene.write("pin", `${PIN}\n`, 0o600);
    const uri = token.uri(`object=${cn}`, `pin-source=file:${pin}`);
    return isServer ? { keystore: uri } : { key: uri, cert: this.of(role, key).cert };
  }
}

/** Sends `text` to where a client or a peer listens in the clear, and resolves with what comes back, up to its end or `text`. */
export function exchange(to: { port: number } | { path: string }, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = "";
    const socket = connect("path" in to ? { path: to.path } : { host: "127.0.0.1", port: to.port });
    socket.on("connect", () => socket.write(text));
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString();
      if (got.length >= text.length) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(got));
  });
}
