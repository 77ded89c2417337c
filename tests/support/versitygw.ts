/** A storage that behaves as AWS does where Swift does not: versitygw over a folder of the scene. Asserts nothing. */

/*
 * It decodes aws-chunked, holds clients to their checksums and gives them back, and knows conditional requests and the
 * ETags of parts.
 *
 * It starts at once; building it takes a minute or two, once for each machine, and a Go of 2025 or later.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { curl } from "./curl.ts";
import { freePort } from "./free-port.ts";
import { goOf, goProgram } from "./go-program.ts";
import { start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** For `scenario` and `needing`: with an older Go it is left out. */
export const VERSITYGW_NEEDS = ["curl", "setpriv", goOf(25)];

export class Versitygw {
  readonly credentials = { access: "tester", secret: "testing", region: "us-east-1" };
  readonly port: number;
  readonly #folder: string;

  constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async makeBucket(name: string): Promise<void> {
    const { access, secret, region } = this.credentials;
    const signed = ["--aws-sigv4", `aws:amz:${region}:s3`, "--user", `${access}:${secret}`];
    // curl signs the digest of the empty body, and does not say so itself in every version.
    const empty = `x-amz-content-sha256: ${new Bun.CryptoHasher("sha256").digest("hex")}`;
    const made = await curl([
      "--fail-with-body",
      "--request",
      "PUT",
      ...signed,
      "--header",
      empty,
      `${this.url}/${name}`,
    ]);
    if (made.status !== 0) throw new Error(`bucket ${name}: ${made.stderr}${made.stdout}`);
  }

  /** The bytes on the disk; throws where there is no such object. */
  stored(bucket: string, key: string): Buffer {
    return readFileSync(join(this.#folder, bucket, key));
  }
}

/** Starts it; it dies with the scene, or with this program. */
export async function openVersitygw(scene: Scene): Promise<Versitygw> {
  const program = await goProgram("versitygw", "github.com/versity/versitygw/cmd/versitygw");
  const port = freePort();
  const folder = scene.mkdir("versitygw/data");
  const gateway = new Versitygw(port, folder);
  const { access, secret, region } = gateway.credentials;
  const options = ["--port", `127.0.0.1:${port}`, "--region", region, "--quiet"];
  const backend = ["posix", "--sidecar", scene.mkdir("versitygw/metadata"), folder];
  const server = start(scene, ["setpriv", "--pdeathsig", "KILL", program, ...options, ...backend], {
    env: { ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret },
  });
  const what = () => `versitygw to answer:\n${server.stdout}${server.stderr}`;
  await until(what, () =>
    fetch(gateway.url).then(
      (answer) => answer.status === 403,
      () => false,
    ),
  );
  return gateway;
}
