/** A real OpenStack Swift with its S3 interface: four servers and memcached as ordinary processes, data in a folder of the scene. Asserts nothing. */

/*
 * It keeps what it is given as it comes, and refuses aws-chunked.
 *
 * Starting it takes seconds: open one at the top of a test file, in a scene of that file, and give each test a bucket of its own.
 */
import { createHash, createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, run, start } from "./program.ts";
import { PYTHON } from "./python-library.ts";
import type { Scene } from "./scene.ts";
import * as settings from "./swift-settings.ts";
import { until } from "./until.ts";
import { freePort } from "./free-port.ts";

/** Programs that it needs, for `scenario` and `needing`. */
export const SWIFT_NEEDS = [
  "memcached",
  "setpriv",
  ...[...settings.STORES, "proxy"].map((kind) => `swift-${kind}-server`),
];

export interface SwiftAnswer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
}

export class Swift {
  /** Of its S3 interface; buckets are the containers of `storage`. */
  readonly credentials = {
    access: `${settings.ACCOUNT}:${settings.USER}`,
    secret: settings.SECRET,
    region: settings.REGION,
  };
  /** Path of the account: a container is `${storage}/NAME`. */
  readonly storage = `/v1/AUTH_${settings.ACCOUNT}`;
  /** The account's key of TempURLs. */
  readonly tempUrlKey = "the key of temporary urls";
  readonly port: number;
  readonly #disk: string;
  /** Around each path that is hashed to name a folder. */
  readonly #salt: readonly [Buffer, Buffer];
  readonly #programs: readonly Program[];
  #token: string | undefined;

  constructor(port: number, disk: string, salt: readonly [Buffer, Buffer], programs: readonly Program[]) {
    this.#salt = salt;
    this.port = port;
    this.#disk = disk;
    this.#programs = programs;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What tempauth gives for the password; good for a day. */
  async token(): Promise<string> {
    if (this.#token !== undefined) return this.#token;
    const { access, secret } = this.credentials;
    const headers = { "x-auth-user": access, "x-auth-key": secret };
    const answer = await fetch(`${this.url}/auth/v1.0`, { headers });
    await answer.bytes();
    return (this.#token = answer.headers.get("x-auth-token") ?? fail(`no token: status ${answer.status}`));
  }

  /** Asks with a token for `path` below the account, as `/container/object?query`. */
  async ask(method: string, path: string, more: Pick<RequestInit, "headers" | "body"> = {}): Promise<SwiftAnswer> {
    const headers = new Headers(more.headers);
    headers.set("x-auth-token", await this.token());
    const answer = await fetch(this.url + this.storage + path, { ...more, method, headers });
    return { status: answer.status, headers: answer.headers, bytes: await answer.bytes() };
  }

  async makeContainer(name: string): Promise<void> {
    const { status } = await this.ask("PUT", `/${name}`);
    if (status >= 300) fail(`container ${name}: status ${status}`);
  }

  /** The query that lets whoever has it do `method` with an object until `expires` (seconds since 1970). `path` is the object's own, from `/v1/`. */
  tempUrlQuery(method: string, path: string, expires: number): string {
    const signed = `${method}\n${expires}\n${path}`;
    return `temp_url_sig=${createHmac("sha256", this.tempUrlKey).update(signed).digest("hex")}&temp_url_expires=${expires}`;
  }

  /** The file on the disk that has an object's bytes and nothing else; undefined where there is none. A large object's file is its manifest. */
  storedFile(container: string, key: string): string | undefined {
    const path = `/AUTH_${settings.ACCOUNT}/${container}/${key}`;
    const [before, after] = this.#salt;
    const hash = createHash("md5").update(before).update(path).update(after).digest("hex");
    const part = Number.parseInt(hash.slice(0, 8), 16) >>> (32 - settings.PART_POWER);
    const folder = join(this.#disk, "objects", String(part), hash.slice(-3), hash);
    const newest = existsSync(folder)
      ? readdirSync(folder)
          .toSorted()
          .findLast((name) => name.endsWith(".data"))
      : undefined;
    return newest === undefined ? undefined : join(folder, newest);
  }

  /** The bytes on the disk; throws where there is no such object. */
  stored(container: string, key: string): Buffer {
    return readFileSync(this.storedFile(container, key) ?? fail(`no object ${container}/${key}`));
  }

  /** Paths of the files of all objects, of all containers, with the parts of large ones and manifests. */
  storedFiles(): string[] {
    const objects = join(this.#disk, "objects");
    if (!existsSync(objects)) return [];
    const names = readdirSync(objects, { recursive: true }) as string[];
    return names.filter((name) => name.endsWith(".data")).map((name) => join(objects, name));
  }

  /** Resident bytes of all its processes. */
  residentBytes(): number {
    const kilobytes = this.#programs.map(({ pid }) =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0),
    );
    return 1024 * kilobytes.reduce((sum, each) => sum + each, 0);
  }

  /** What its servers said on stderr: an access log and complaints. */
  log(): string {
    return this.#programs.map(({ stdout, stderr }) => stdout + stderr).join("");
  }
}

/** Starts it; every process dies with the scene, or with this program. */
export async function openSwift(scene: Scene): Promise<Swift> {
  const [proxy, account, container, object, memcached] = Array.from({ length: 5 }, freePort) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const ports = { proxy, account, container, object, memcached };
  const folder = scene.mkdir("swift");
  const devices = scene.mkdir("swift/devices");
  const disk = scene.mkdir(`swift/devices/${settings.DISK}`);
  const user = (await run(["id", "-un"])).stdout.trim();
  const place = { user, folder, devices, ports };
  const launch = (...command: string[]) => start(scene, ["setpriv", "--pdeathsig", "KILL", ...command]);
  const cache = ["-l", "127.0.0.1", "-p", String(memcached), "-U", "0", "-m", "16", "-t", "1", "-u", user];
  const programs = [launch("memcached", ...cache)];
  const serve = (kind: "proxy" | (typeof settings.STORES)[number], text: string) => {
    const file = scene.write(`swift/${kind}-server.conf`, text);
    programs.push(launch(`swift-${kind}-server`, file, "--verbose"));
  };
  for (const kind of settings.STORES) serve(kind, settings.storeSettings(kind, place));
  const stores = settings.STORES.map((kind) => String(ports[kind]));
  const rings = await run([PYTHON, "-c", settings.RING_SCRIPT, folder, ...stores]);
  if (rings.status !== 0) fail(rings.stderr);
  serve("proxy", settings.proxySettings(place));
  const [before = "", after = ""] = rings.stdout.trim().split(" ");
  const swift = new Swift(proxy, disk, [Buffer.from(before, "hex"), Buffer.from(after, "hex")], programs);
  const answers = async () => {
    const dead = programs.find(({ running }) => !running);
    if (dead) fail(`a server has ended:\n${swift.log()}`);
    const key = { headers: { "x-account-meta-temp-url-key": swift.tempUrlKey } };
    return (await swift.ask("POST", "", key).catch(() => undefined))?.status === 204;
  };
  await until(() => `Swift to answer:\n${swift.log()}`, answers, 60_000);
  return swift;
}

function fail(text: string): never {
  throw new Error(`Swift: ${text}`);
}
