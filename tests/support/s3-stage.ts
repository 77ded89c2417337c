/** The proxy in S3 mode in front of a real Swift, with a relay between them that counts and does harm. Asserts nothing. */
import type { Portail } from "./portail.ts";
import type { S3Place } from "./s3-clients/client.ts";
import type { Scene } from "./scene.ts";
import { StorageProxy, type StorageProxyOptions } from "./storage-proxy.ts";
import { openStorageRelay, type StorageRelay } from "./storage-relay.ts";
import { openSwift, type Swift } from "./swift.ts";

export interface S3Stage {
  swift: Swift;
  relay: StorageRelay;
  /** One more proxy before the same storage, and where clients find it. */
  proxy(more?: Partial<StorageProxyOptions>): Promise<{ proxy: StorageProxy; place: S3Place }>;
}

export async function openS3Stage(scene: Scene, portail: Portail, bucket: string): Promise<S3Stage> {
  const swift = await openSwift(scene);
  await swift.makeContainer(bucket);
  const relay = await openStorageRelay(scene, swift.port);
  const { access, secret, region } = swift.credentials;
  const upstream = `http://127.0.0.1:${relay.port}`;
  return {
    swift,
    relay,
    async proxy({ args = [], ...more } = {}) {
      const own = ["--s3-access-key", access, "--s3-region", region, "--s3-listen", "127.0.0.1:0", ...args];
      const env = { S3_SECRET_KEY: secret };
      const proxy = await StorageProxy.open(scene, portail, { upstream, args: own, env, ...more });
      const [, port] = await proxy.program.output("stderr", /s3=\S*?:(\d+)/);
      return { proxy, place: { endpoint: `http://127.0.0.1:${port}`, access, secret, region, bucket } };
    },
  };
}
