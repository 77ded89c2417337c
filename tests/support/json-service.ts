/** nginx as a service that answers in JSON, and as one that does not, by path; what it was asked is in its log. Asserts nothing. */
import { readFileSync, rmSync } from "node:fs";
import { PATH, start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";
import { freePort } from "./free-port.ts";

export interface JsonServiceOptions {
  /** Bodies by path; what is not here is 404. */
  files: Readonly<Record<string, string | Uint8Array>>;
  /** Lines of nginx inside `http`. */
  http?: string;
  /** Lines of nginx inside `server`: further locations. */
  server?: string;
  /** PEM files: it speaks TLS then. */
  tls?: { cert: string; key: string };
}

let services = 0;

export class JsonService {
  readonly port: number;
  readonly #scene: Scene;
  readonly #folder: string;
  #program: Program | undefined;

  private constructor(scene: Scene, options: JsonServiceOptions) {
    this.#scene = scene;
    this.#folder = `json-service-${++services}`;
    this.port = freePort();
    for (const [path, body] of Object.entries(options.files)) scene.write(`${this.#folder}/www${path}`, body);
    scene.write(`${this.#folder}/nginx.conf`, this.#config(options));
  }

  static async open(scene: Scene, options: JsonServiceOptions): Promise<JsonService> {
    const service = new JsonService(scene, options);
    await service.begin();
    return service;
  }

  async begin(): Promise<void> {
    const folder = this.#scene.mkdir(this.#folder);
    const args = ["nginx", "-e", "stderr", "-p", folder, "-c", `${folder}/nginx.conf`];
    this.#program = start(this.#scene, args, { env: { PATH } });
    await until("nginx to listen", async () => {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port: this.port, socket: { data() {} } }).catch(
        () => {},
      );
      socket?.end();
      return socket !== undefined;
    });
  }

  async end(): Promise<void> {
    await this.#program?.kill();
  }

  /** Where the body of a path is. */
  file(path: string): string {
    return this.#scene.path(`${this.#folder}/www${path}`);
  }

  put(path: string, body: string): void {
    this.#scene.write(`${this.#folder}/www${path}`, body);
  }

  remove(path: string): void {
    rmSync(this.file(path));
  }

  /** What it was asked and has answered: the target as it was sent, the Authorization and the X-Api-Key that came with it. */
  get asked(): string[] {
    const log = readFileSync(this.#scene.path(`${this.#folder}/asked.log`), "utf8");
    return log.split("\n").filter((line) => line !== "");
  }

  #config({ http = "", server = "", tls }: JsonServiceOptions): string {
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
    const identity = tls === undefined ? "" : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`;
    return `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  ${paths.join("\n  ")}
  log_format asked '$request_uri $http_authorization $http_x_api_key';
  access_log asked.log asked;
  default_type application/json;
  ${http}
  server {
    listen 127.0.0.1:${this.port}${tls === undefined ? "" : " ssl"};
    ${identity}
    root www;
    ${server}
  }
}
`;
  }
}
