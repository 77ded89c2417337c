/** nginx as a storage that takes PUT and DELETE (WebDAV): its files, and what it was asked, byte for byte. Asserts nothing. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { Nginx } from "./nginx.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

const HTTP = `log_format asked escape=none "$request_method\\t$request_uri\\t$http_host\\t$http_content_length\\t$http_transfer_encoding\\t$status\\t$body_bytes_sent";
  access_log asked.log asked;
  client_max_body_size 0;`;
const SERVER = `root data;
    location / {
      dav_methods PUT DELETE;
      create_full_put_path on;
      autoindex on;
    }`;

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

export class Dav extends Nginx {
  private constructor(scene: Scene, { tls, server = "" }: DavOptions) {
    super(scene, { http: HTTP, server: `${SERVER}\n    ${server}`, tls });
    mkdirSync(this.path(""), { recursive: true });
  }

  static async open(scene: Scene, options: DavOptions = {}): Promise<Dav> {
    const dav = new Dav(scene, options);
    await dav.begin();
    return dav;
  }

  path(name: string): string {
    return this.place(`data/${name}`);
  }

  /** What lies there; undefined for nothing. */
  read(name: string): Buffer | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name)) : undefined;
  }

  write(name: string, bytes: Uint8Array): void {
    this.keep(`data/${name}`, bytes);
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
    return this.lines("asked.log").map((line) => {
      const [method = "", target = "", host = "", length = "", coding = "", status = "", sent = ""] = line.split("\t");
      return { method, target, host, length, coding, status: Number(status), sent: Number(sent) };
    });
  }
}
