/** nginx in the foreground, with its files in a folder of the scene and on a port of 127.0.0.1, which can be ended and begun again. Asserts nothing. */
import { readFileSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { listening } from "./listening.ts";
import { PATH, start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";

export interface NginxLines {
  /** Inside `http`. */
  http: string;
  /** Inside `server`. */
  server: string;
  /** PEM files: it speaks TLS then. */
  tls?: { cert: string; key: string } | undefined;
  /** Words behind `listen`. */
  listen?: string;
}

let started = 0;

/** What it serves is a subclass's. */
export abstract class Nginx {
  readonly port = freePort();
  readonly #scene: Scene;
  readonly #folder = `nginx-${++started}`;
  #program: Program | undefined;

  constructor(scene: Scene, lines: NginxLines) {
    this.#scene = scene;
    scene.write(`${this.#folder}/nginx.conf`, config(this.port, lines));
  }

  /** Resolves once it listens. */
  async begin(): Promise<void> {
    const folder = this.place(".");
    const args = ["nginx", "-e", "stderr", "-p", folder, "-c", `${folder}/nginx.conf`];
    this.#program = start(this.#scene, args, { env: { PATH } });
    await listening(this.port, "nginx to listen");
  }

  /** While it runs. */
  get pid(): number {
    return this.#program!.pid;
  }

  async end(): Promise<void> {
    await this.#program?.kill();
  }

  /** Of something in its folder. */
  protected place(name: string): string {
    return this.#scene.path(`${this.#folder}/${name}`);
  }

  protected keep(name: string, content: string | Uint8Array): void {
    this.#scene.write(`${this.#folder}/${name}`, content);
  }

  /** Of the file `name` that it writes, the lines so far. */
  protected lines(name: string): string[] {
    return readFileSync(this.place(name), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }
}

function config(port: number, { http, server, tls, listen = "" }: NginxLines): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
  const identity = tls === undefined ? "" : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`;
  return `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  ${paths.join("\n  ")}
  ${http}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"} ${listen};
    ${identity}
    ${server}
  }
}
`;
}
