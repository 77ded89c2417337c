/** nginx as a storage that takes PUT and DELETE (WebDAV): its files, and what it was asked, byte for byte. Asserts nothing. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { PATH, start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";
import { freePort } from "./free-port.ts";

export interface DavOptions {
  /** PEM files: it speaks TLS then. */
  tls?: { cert: string; key: string };
  /** Further lines inside `server`. */
  server?: string;
}

export interface DavRequest {
  method: string;
  /** As it stood on the wire. */
  target: string;
  host: string;
  length: string;
  coding: string;
  status: number;
  /** Of the answer's content, as far as it was sent. */
  sent: number;
}

let storages = 0;

export class Dav {
  readonly port = freePort();
  readonly #scene: Scene;
  readonly #folder: string;
  #program: Program | undefined;

  private constructor(scene: Scene, options: DavOptions) {
    this.#scene = scene;
    this.#folder = `dav-${++storages}`;
    scene.mkdir(`${this.#folder}/data`);
    scene.write(`${this.#folder}/nginx.conf`, config(this.port, options));
  }

  static async open(scene: Scene, options: DavOptions = {}): Promise<Dav> {
    const dav = new Dav(scene, options);
    await dav.begin();
    return dav;
  }

  async begin(): Promise<void> {
    const folder = this.#scene.path(this.#folder);
    const args = ["nginx", "-e", "stderr", "-p", folder, "-c", `${folder}/nginx.conf`];
    this.#program = start(this.#scene, args, { env: { PATH } });
    await until("nginx to listen", async () => {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port: this.port, socket: { data() {} } }).catch(
        () => undefined,
      );
      socket?.end();
      return socket !== undefined;
    });
  }

  /** While it runs. */
  get pid(): number {
    return this.#program!.pid;
  }

  async end(): Promise<void> {
    await this.#program?.kill();
  }

  path(name: string): string {
    return this.#scene.path(`${this.#folder}/data/${name}`);
  }

  /** What lies there; undefined for nothing. */
  read(name: string): Buffer | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name)) : undefined;
  }

  write(name: string, bytes: Uint8Array): void {
    this.#scene.mkdir(`${this.#folder}/data/${name}`.replace(/\/[^/]*$/, ""));
    writeFileSync(this.path(name), bytes);
  }

  list(folder = ""): string[] {
    return readdirSync(this.path(folder), { recursive: true }).map(String);
  }

  /** Waits for the last request of the kind: nginx writes it down once it is over. */
  request(method: string, target: string): Promise<DavRequest> {
    return until(`${method} ${target} in the log of nginx`, () =>
      this.requests.findLast((each) => each.method === method && each.target === target),
    );
  }

  /** What it has answered, in order. */
  get requests(): DavRequest[] {
    const log = readFileSync(this.#scene.path(`${this.#folder}/asked.log`), "utf8");
    return log
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [method = "", target = "", host = "", length = "", coding = "", status = "", sent = ""] =
          line.split("\t");
        return { method, target, host, length, coding, status: Number(status), sent: Number(sent) };
      });
  }
}

function config(port: number, { tls, server = "" }: DavOptions): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
  const identity = tls === undefined ? "" : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`;
  return `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  ${paths.join(" ")}
  log_format asked escape=none "$request_method\\t$request_uri\\t$http_host\\t$http_content_length\\t$http_transfer_encoding\\t$status\\t$body_bytes_sent";
  access_log asked.log asked;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"};
    ${identity}
    root data;
    location / {
      dav_methods PUT DELETE;
      create_full_put_path on;
      autoindex on;
    }
    ${server}
  }
}
`;
}
