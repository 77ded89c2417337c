/** A page in a headless Chromium that stays open: scripts run in it, and it is looked at again and again (DevTools protocol). Asserts nothing. */
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
];

interface Reply {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

interface Look {
  width: number;
  height: number;
  dark: boolean;
}

let started = 0;

export class Tab {
  /** Of the console and of uncaught errors, also of what the content policy refused. */
  readonly complaints: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #loaded: () => void = () => {};
  #last = 0;

  /** `flags` are further ones of the browser. */
  static async open(scene: Scene, flags: readonly string[] = []): Promise<Tab> {
    const profile = scene.mkdir(`tab-${++started}`);
    const command = ["chromium", ...FLAGS, ...flags, `--user-data-dir=${profile}`, "about:blank"];
    const browser: Program = start(scene, command, { env: { HOME: profile } });
    const [, port] = await browser.output("stderr", /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//);
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Record<string, string>[];
    const socket = new WebSocket(pages.find(({ type }) => type === "page")!["webSocketDebuggerUrl"]!);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const tab = new Tab(socket);
    scene.defer(() => socket.close());
    for (const domain of ["Page", "Runtime", "Log"]) await tab.#ask(`${domain}.enable`);
    return tab;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data)) as Reply));
  }

  /** Resolves once it is loaded. */
  async go(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    await this.#ask("Page.navigate", { url });
    await loaded;
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result } = await this.#ask("Runtime.evaluate", options);
    return (result as { value: T }).value;
  }

  /** From now on. */
  async look({ width, height, dark }: Look): Promise<void> {
    const mobile = width < 600;
    await this.#ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.#ask("Emulation.setEmulatedMedia", { features });
  }

  /** Scripts do not run from the next page on, or do again. */
  async scripts(run: boolean): Promise<void> {
    await this.#ask("Emulation.setScriptExecutionDisabled", { value: !run });
  }

  /** All of the page, as bytes of a PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.#ask("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data as string, "base64");
  }

  #ask(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, ({ result, error }) => {
      if (error === undefined) resolve(result ?? {});
      else reject(new Error(`${method}: ${error.message}`));
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    return promise;
  }

  #take({ id, method, params, ...reply }: Reply): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    } else if (method === "Page.loadEventFired") this.#loaded();
    else if (method === "Log.entryAdded" || method === "Runtime.exceptionThrown")
      this.complaints.push(JSON.stringify(params));
  }
}
