/** A headless Chromium that goes out through a proxy, for loopback too, and says no word to its maker. Asserts nothing. */
import { run, type Outcome } from "./program.ts";
import type { Scene } from "./scene.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--hide-scrollbars",
  // It goes around a proxy for loopback otherwise.
  "--proxy-bypass-list=<-loopback>",
];

export class Browser {
  readonly #scene: Scene;
  readonly #proxy: string;
  readonly #flags: readonly string[];
  #profiles = 0;

  /** `proxy` as for `--proxy-server`, or the URL of a PAC file; `flags` are further ones. */
  constructor(scene: Scene, proxy: string, flags: readonly string[] = []) {
    this.#scene = scene;
    this.#proxy = proxy;
    this.#flags = flags;
  }

  /** The page at `url` as HTML, once it is loaded. */
  async dom(url: string): Promise<string> {
    return (await this.#run(["--dump-dom", url])).stdout;
  }

  /** A picture of it, as bytes of a PNG. */
  async picture(
    url: string,
    { width, height, dark }: { width: number; height: number; dark: boolean },
  ): Promise<Uint8Array> {
    const path = this.#scene.path("picture.png");
    const scheme = dark ? ["--force-dark-mode"] : [];
    await this.#run([...scheme, `--window-size=${width},${height}`, `--screenshot=${path}`, url]);
    return Bun.file(path).bytes();
  }

  #run(args: string[]): Promise<Outcome> {
    const profile = this.#scene.mkdir(`browser-${++this.#profiles}`);
    const proxyFlag = this.#proxy.endsWith(".pac") ? "--proxy-pac-url" : "--proxy-server";
    const given = [...FLAGS, `--user-data-dir=${profile}`, `${proxyFlag}=${this.#proxy}`, ...this.#flags];
    return run(["chromium", ...given, ...args], { env: { HOME: profile } });
  }
}
