/** A proxy whose users prove themselves and whose policy asks what providers know of them. Asserts nothing. */
import type { DecisionEvent } from "../../lib/audit/event.ts";
import type { AccessProxy } from "./access-proxy.ts";
import { curl } from "./curl.ts";
import type { Portail } from "./portail.ts";
import { run } from "./program.ts";
import type { Scene } from "./scene.ts";
import { openWeb, type Web } from "./web.ts";

const PASSWORD = "a password";

export interface AskingOptions {
  /** The configuration file. */
  providers: string;
  /** Clauses of the policy that lets somebody to the web server, beside the address. */
  when: string;
  args?: readonly string[];
  env?: Record<string, string>;
}

export class Asking {
  readonly web: Web;
  readonly proxy: AccessProxy;

  private constructor(web: Web, proxy: AccessProxy) {
    this.web = web;
    this.proxy = proxy;
  }

  static async open(scene: Scene, portail: Portail, users: readonly string[], options: AskingOptions): Promise<Asking> {
    const web = openWeb(scene);
    const file = scene.write(`users-${web.port}`, await htpasswd(users), 0o600);
    const config = scene.write(`providers-${web.port}.toml`, options.providers);
    const proxy = await portail.socks({
      policy: `policy known {\n  when dest.ip in [127.0.0.0/8] and port == ${web.port} and ${options.when}\n  action allow\n}\n`,
      args: ["--config", config, "--users", file, ...(options.args ?? [])],
      ...(options.env && { env: options.env }),
    });
    return new Asking(web, proxy);
  }

  /** What became of a request of `user`: the decision, and whether curl got what it asked for. */
  async decided(
    user: string,
  ): Promise<Pick<DecisionEvent, "decision" | "reason" | "missing" | "facts"> & { got: boolean }> {
    this.proxy.forget();
    const { stdout } = await this.get(user);
    const { decision, reason, missing, facts } = await this.proxy.record("decision", (line) => line.user === user);
    const about = { decision, reason, facts, got: stdout === "hello from the web\n" };
    return missing === undefined ? about : { ...about, missing };
  }

  get(user: string, scheme = "socks5h") {
    const url = `http://127.0.0.1:${this.web.port}/hello`;
    return curl(["--proxy", this.proxy.url(scheme), "--proxy-user", `${user}:${PASSWORD}`, url]);
  }
}

/** The cheapest hashes that it makes: what users prove is not the subject. */
async function htpasswd(users: readonly string[]): Promise<string> {
  const lines = users.map(async (user) => (await run(["htpasswd", "-nbB", "-C", "4", user, PASSWORD])).stdout.trim());
  return `${(await Promise.all(lines)).join("\n")}\n`;
}

/** The numbers of a proxy's metrics page, by name and labels. */
export async function metricsOf(port: number): Promise<Map<string, number>> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}
