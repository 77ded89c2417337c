/** nginx as a service that answers in JSON, and as one that does not, by path; what it was asked is in its log. Asserts nothing. */
import { rmSync } from "node:fs";
import { Nginx } from "./nginx.ts";
import type { Scene } from "./scene.ts";

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

const HTTP = `log_format asked '$request_uri $http_authorization $http_x_api_key';
  access_log asked.log asked;
  default_type application/json;`;

export class JsonService extends Nginx {
  private constructor(scene: Scene, { files, http = "", server = "", tls }: JsonServiceOptions) {
    super(scene, { http: `${HTTP}\n  ${http}`, server: `root www;\n    ${server}`, tls });
    for (const [path, body] of Object.entries(files)) this.keep(`www${path}`, body);
  }

  static async open(scene: Scene, options: JsonServiceOptions): Promise<JsonService> {
    const service = new JsonService(scene, options);
    await service.begin();
    return service;
  }

  /** Where the body of a path is. */
  file(path: string): string {
    return this.place(`www${path}`);
  }

  put(path: string, body: string): void {
    this.keep(`www${path}`, body);
  }

  remove(path: string): void {
    rmSync(this.file(path));
  }

  /** What it was asked and has answered: the target as it was sent, the Authorization and the X-Api-Key that came with it. */
  get asked(): string[] {
    return this.lines("asked.log");
  }
}
