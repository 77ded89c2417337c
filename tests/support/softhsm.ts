/** A SoftHSM 2 token, which nobody here wrote, in the scene's folder: made and filled by its own tool and by OpenSC's. */
import { mkdirSync } from "node:fs";
import type { Certified } from "./pki.ts";
import { environment } from "./program.ts";
import type { Scene } from "./scene.ts";

/** For `needing` and `scenario`. */
export const SOFTHSM = ["openssl", "softhsm2-util", "pkcs11-tool"];
export const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
/** Found in no port number. */
export const PIN = "pin-of-4321";
const OFFICER_PIN = "officer-4321";

/** What it needs of a scene. */
export type Folder = Pick<Scene, "path" | "write">;

export class SoftHsm {
  /** What a program needs to see the token. */
  readonly env: Record<string, string>;
  readonly #scene: Folder;
  readonly #label: string;
  #files = 0;

  /** With one token of that name. */
  constructor(scene: Folder, label = "portail test") {
    this.#scene = scene;
    this.#label = label;
    const tokens = scene.path("softhsm-tokens");
    mkdirSync(tokens, { recursive: true });
    const lines = [`directories.tokendir = ${tokens}`, "objectstore.backend = file", "log.level = ERROR"];
    this.env = { SOFTHSM2_CONF: scene.write("softhsm2.conf", `${lines.join("\n")}\n`) };
    this.addToken(label);
  }

  addToken(label: string): void {
    this.run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", OFFICER_PIN, "--pin", PIN);
  }

  /** Puts key and certificate into the token, as `label` with `id` (hex); `cert: false` leaves the certificate out. */
  put(of: Pick<Certified, "key" | "der">, label: string, id: string, { cert = true, token = this.#label } = {}): void {
    const key = this.#scene.write(`softhsm-${++this.#files}.pem`, of.key);
    const place = ["--token", token, "--pin", PIN, "--label", label, "--id", id];
    this.run("softhsm2-util", "--import", key, ...place);
    if (cert) this.putCertificate(of.der, label, id, token);
  }

  putCertificate(der: Uint8Array, label: string, id: string, token = this.#label): void {
    const file = this.#scene.write(`softhsm-${++this.#files}.der`, der);
    this.tool("--token-label", token, "--write-object", file, "--type", "cert", "--label", label, "--id", id);
  }

  /** Makes a key in the token: `rsa:2048`, `EC:prime256v1`, `EC:edwards25519`. */
  generate(type: string, label: string, id: string, ...more: string[]): void {
    this.tool("--token-label", this.#label, "--keypairgen", "--key-type", type, "--label", label, "--id", id, ...more);
  }

  /** OpenSC's pkcs11-tool, logged in. */
  tool(...args: string[]): string {
    return this.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN, ...args);
  }

  /** A URI of what is in the token. */
  uri(attributes: string, query = ""): string {
    const token = encodeURIComponent(this.#label);
    return `pkcs11:token=${token}${attributes === "" ? "" : `;${attributes}`}?module-path=${MODULE}${query && `&${query}`}`;
  }

  run(program: string, ...args: string[]): string {
    const env = { ...environment(), ...this.env };
    const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...args], { env, stdout: "pipe", stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout.toString();
  }
}
