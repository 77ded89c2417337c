/** A transfer that has begun and cannot end before its web server releases it: curl on `/halves/N`. */
import { curl } from "./curl.ts";
import type { Outcome } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";
import { content, digest, type Web } from "./web.ts";

export interface Held {
  outcome: Promise<Outcome>;
  /** Whether all of the body has arrived, unchanged. */
  whole(): Promise<boolean>;
}

const SIZE = 4 * 1024 * 1024;

/** Resolves once the request is with the web server; `args` tell curl its proxy. */
export async function holdTransfer(scene: Scene, web: Web, args: readonly string[]): Promise<Held> {
  const path = scene.path(`held-${web.requests.length}-${Math.random()}`);
  const before = web.requests.length;
  const outcome = curl([...args, "--output", path, `http://127.0.0.1:${web.port}/halves/${SIZE}`]);
  await until("the transfer to begin", () => web.requests.length > before);
  return { outcome, whole: async () => digest(await Bun.file(path).bytes()) === digest(content(SIZE)) };
}
