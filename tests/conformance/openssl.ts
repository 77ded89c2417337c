/** Keys and certificates made by openssl(1), and what openssl(1) reads in them. Reads no certificate itself. */
import { readFileSync } from "node:fs";
import { run } from "../support/program.ts";
import type { Scene } from "../support/scene.ts";

export const KEY_KINDS = {
  "rsa-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  "p-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "p-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  ed25519: ["-algorithm", "ED25519"],
} as const;
export type KeyKind = keyof typeof KEY_KINDS;

export interface Request {
  key?: KeyKind;
  /** Lines of the section of names, as in openssl-req(1). */
  subject?: readonly string[];
  /** Lines of the section of extensions, with further sections behind them. */
  extensions?: readonly string[];
  /** Which types of strings it may use for names. */
  stringMask?: string;
  /** Further arguments of openssl-req(1). */
  more?: readonly string[];
}

export class OpenSsl {
  readonly #scene: Scene;
  readonly #keys = new Map<KeyKind, Promise<string>>();
  #count = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** What it writes on standard output; a status other than 0 is thrown with what it says. */
  async run(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(["openssl", ...args], { cwd: this.#scene.folder });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Path of a private key, made once. */
  key(kind: KeyKind): Promise<string> {
    const path = this.#scene.path(`${kind}.key`);
    const made = this.#keys.get(kind) ?? this.run("genpkey", ...KEY_KINDS[kind], "-out", path).then(() => path);
    this.#keys.set(kind, made);
    return made;
  }

  /** A self-signed certificate of version 3 in DER. */
  async certificate({ key = "p-256", subject, extensions, stringMask, more = [] }: Request = {}): Promise<Uint8Array> {
    const config = [
      "[req]",
      "prompt = no",
      "utf8 = yes",
      "distinguished_name = subject",
      `string_mask = ${stringMask ?? "utf8only"}`,
      extensions === undefined ? "" : "x509_extensions = extensions",
      "[subject]",
      ...(subject ?? ["CN = subject"]),
      "[extensions]",
      ...(extensions ?? []),
    ];
    const name = `${this.#count++}`;
    const file = this.#scene.write(`${name}.cnf`, `${config.join("\n")}\n`);
    const out = this.#scene.path(`${name}.der`);
    const args = ["-config", file, "-key", await this.key(key), "-outform", "DER", "-out", out, ...more];
    await this.run("req", "-x509", "-new", ...args);
    return new Uint8Array(readFileSync(out));
  }

  /** A certificate by openssl-ca(1), which takes any time: `YYYYMMDDHHMMSSZ`. */
  async certificateAt(notBefore: string, notAfter: string): Promise<Uint8Array> {
    const name = `ca-${this.#count++}`;
    const folder = this.#scene.mkdir(name);
    this.#scene.write(`${name}/index.txt`, "");
    const config = this.#scene.write(
      `${name}/ca.cnf`,
      [
        "[ca]\ndefault_ca = here",
        `[here]\ndir = ${folder}\nnew_certs_dir = ${folder}\ndatabase = ${folder}/index.txt`,
        "rand_serial = yes\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied",
        "[req]\nprompt = no\ndistinguished_name = names\n[names]\nCN = timed\n",
      ].join("\n"),
    );
    const [request, out] = [this.#scene.path(`${name}/request.pem`), this.#scene.path(`${name}/out.pem`)];
    const key = await this.key("p-256");
    await this.run("req", "-new", "-config", config, "-key", key, "-out", request);
    const times = ["-startdate", notBefore, "-enddate", notAfter];
    const files = ["-config", config, "-keyfile", key, "-in", request, "-out", out];
    await this.run("ca", "-batch", "-selfsign", "-notext", ...files, ...times);
    return this.#toDer(out);
  }

  /** A certificate of version 1, which has no extensions. */
  async certificateOfVersion1(): Promise<Uint8Array> {
    const [request, out] = [this.#scene.path("v1.request"), this.#scene.path("v1.pem")];
    const key = await this.key("p-256");
    await this.run("req", "-new", "-subj", "/CN=old", "-key", key, "-out", request);
    await this.run("x509", "-req", "-in", request, "-signkey", key, "-set_serial", "7", "-out", out);
    return this.#toDer(out);
  }

  /** Lines of openssl-x509(1) about a certificate, without the last line break. */
  async show(der: Uint8Array, ...args: string[]): Promise<string> {
    const file = this.#scene.write(`${this.#count++}.der`, der);
    return (await this.run("x509", "-inform", "DER", "-in", file, "-noout", ...args)).trimEnd();
  }

  /** The public key in DER. */
  async publicKey(der: Uint8Array): Promise<Uint8Array> {
    const name = `${this.#count++}`;
    const file = this.#scene.write(`${name}.pem`, await this.show(der, "-pubkey"));
    await this.run("pkey", "-pubin", "-in", file, "-outform", "DER", "-out", this.#scene.path(`${name}.spki`));
    return new Uint8Array(readFileSync(this.#scene.path(`${name}.spki`)));
  }

  async #toDer(pem: string): Promise<Uint8Array> {
    await this.run("x509", "-in", pem, "-outform", "DER", "-out", `${pem}.der`);
    return new Uint8Array(readFileSync(`${pem}.der`));
  }
}
