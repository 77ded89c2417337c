/** A TPM 2.0 in software (swtpm), behind its resource manager and tpm2-pkcs11: a second token that nobody here wrote. */
import { mkdirSync, readFileSync } from "node:fs";
import { whichPeer } from "../../scripts/peer-list.ts";
import { freePort } from "./free-port.ts";
import { run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { PIN } from "./softhsm.ts";
import { until } from "./until.ts";

const MODULE = "lib:libtpm2_pkcs11.so.1";
/** For `needing` and `scenario`. */
export const TPM = [
  "swtpm",
  "tpm2-abrmd",
  "tpm2_ptool",
  "tpm2_create",
  "dbus-daemon",
  "lib:libtss2-tcti-swtpm.so.0",
  "lib:libtss2-tcti-tabrmd.so.0",
  MODULE,
];

export class Tpm {
  readonly module = whichPeer(MODULE)!;
  /** What a program needs to see the token. */
  readonly env: Record<string, string>;
  readonly #store: string;

  private constructor(store: string, bus: string) {
    this.#store = store;
    const tcti = "tabrmd:bus_type=session";
    this.env = {
      DBUS_SESSION_BUS_ADDRESS: bus,
      TPM2_PKCS11_STORE: store,
      TPM2_PKCS11_TCTI: tcti,
      TPM2TOOLS_TCTI: tcti,
    };
  }

  /** With one token, named `tpm`. */
  static async open(scene: Scene): Promise<Tpm> {
    const [state, store] = [scene.path("tpm-state"), scene.path("tpm-store")];
    for (const folder of [state, store]) mkdirSync(folder);
    // Its control is where its users expect it, one further.
    let port = freePort();
    while (listensAt(port + 1)) port = freePort();
    const places = ["--server", `type=tcp,port=${port}`, "--ctrl", `type=tcp,port=${port + 1}`];
    const flags = ["--tpm2", "--tpmstate", `dir=${state}`, "--flags", "not-need-init,startup-clear"];
    const tpm = start(scene, ["swtpm", "socket", ...flags, ...places]);
    const bus = start(scene, ["dbus-daemon", "--session", "--nofork", "--print-address"]);
    const [address] = await bus.output("stdout", /^unix:\S+$/m);
    const token = new Tpm(store, address!);
    await until("the TPM", () => tpm.running && listensAt(port));
    const manager = ["tpm2-abrmd", "--session", "--allow-root", `--tcti=swtpm:port=${port}`, "--flush-all"];
    const resources = start(scene, manager, { env: token.env });
    await until(
      () => `the resource manager: ${resources.stderr}`,
      async () => (await run(["tpm2_getrandom", "4"], { env: token.env })).status === 0,
    );
    await token.#tool("init");
    await token.#tool("addtoken", "--pid=1", "--sopin=officer", `--userpin=${PIN}`, "--label=tpm");
    return token;
  }

  /** `ecc256`, `ecc384`, `rsa2048`: a key that is made in the TPM, and has that name. Answers what the tool says. */
  addKey(algorithm: string): Promise<string> {
    return this.#tool(
      "addkey",
      `--algorithm=${algorithm}`,
      "--label=tpm",
      `--key-label=${algorithm}`,
      `--userpin=${PIN}`,
    );
  }

  async #tool(command: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(["tpm2_ptool", command, `--path=${this.#store}`, ...args], {
      env: this.env,
    });
    if (status !== 0) throw new Error(`tpm2_ptool ${command}: ${stdout}${stderr}`);
    return stdout;
  }
}

/** Without a connection, at which it would begin to serve. */
function listensAt(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync("/proc/net/tcp", "utf8").includes(`:${hex} 00000000:0000 0A `);
}
