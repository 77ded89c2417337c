/** A running `portail s3crypt serve`: where it listens, its keyring, what it recorded. Asserts nothing. */
import { AuditTrail } from "./audit-trail.ts";
import type { Portail } from "./portail.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { randomKeys, randomPassword, writeSodiumKeyring } from "./sodium-keyring.ts";

export interface StorageProxyOptions {
  /** `--upstream-url`. */
  upstream: string;
  args?: readonly string[];
  env?: Record<string, string>;
  /** The proxy whose keyring and password it has; default is one of its own. */
  keyring?: StorageProxy;
  /** Default: keys 0 and 1. */
  keys?: readonly (readonly [bigint, Uint8Array])[];
  /** The word: `serve`, or `proxy` as ds_proxy has it. */
  word?: string;
  listen?: string;
  /** Stands before the command line. */
  prefix?: readonly string[];
}

let started = 0;

export class StorageProxy {
  readonly program: Program;
  readonly trail: AuditTrail;
  readonly keys: ReadonlyMap<bigint, Uint8Array>;
  readonly keyringFile: string;
  readonly password: ReturnType<typeof randomPassword>;
  port = 0;
  /** Of `--s3-listen`, where it is given. */
  s3Port = 0;

  static async open(scene: Scene, portail: Portail, options: StorageProxyOptions): Promise<StorageProxy> {
    const proxy = new StorageProxy(scene, portail, options);
    const said = /listening on (?:\S+, )?127\.0\.0\.1:(\d+) upstream=\S+ keys=\d+(?: s3=\S+:(\d+))?\n/;
    const [, port, s3Port] = await proxy.program.output("stderr", said);
    proxy.port = Number(port);
    proxy.s3Port = Number(s3Port);
    return proxy;
  }

  private constructor(scene: Scene, portail: Portail, options: StorageProxyOptions) {
    const name = `storage-proxy-${++started}`;
    const {
      upstream,
      keyring,
      keys = randomKeys([0n, 1n]),
      args = [],
      word = "serve",
      listen = "127.0.0.1:0",
    } = options;
    this.password = keyring?.password ?? randomPassword();
    this.keys = keyring?.keys ?? new Map(keys);
    this.keyringFile =
      keyring?.keyringFile ?? scene.write(`${name}.toml`, writeSodiumKeyring({ password: this.password, keys }));
    const given = ["--listen", listen, "--upstream-url", upstream, "--keyring-file", this.keyringFile];
    const audit = scene.path(`${name}.jsonl`);
    const env = { DS_PASSWORD: this.password, ...options.env };
    this.program = portail.start(["s3crypt", word, ...given, "--audit", audit, ...args], env, options.prefix);
    this.trail = new AuditTrail(audit, () => this.program.stderr);
  }

  url(path: string, scheme = "http"): string {
    return `${scheme}://127.0.0.1:${this.port}${path}`;
  }
}
