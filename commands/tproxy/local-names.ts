/** Addresses of loopback that stand for names, for one program: who has which, and the listeners at them. Routes nothing. */
import { PortailError } from "../../lib/command/errors.ts";
import type { SocketAddress } from "../../lib/net/conn.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { Environment } from "../../lib/net/listen.ts";
import { Listeners } from "../../lib/net/listeners.ts";
import type { Listening } from "../../lib/service/for-program.ts";
import { parseCidr } from "../../lib/wire/ip.ts";
import type { RuleSettings } from "./rule-settings.ts";
import type { Captured, Tproxy } from "./tproxy.ts";

/** Choices of a beginning before the port must be the trouble. */
const TRIES = 8;

export class LocalNames {
  readonly range = parseCidr("127.77.0.0/16")!;
  /** Programs of this user alone: others would borrow the identity. */
  readonly captured: Captured = {
    destinationOf: ({ local }) => ("ip" in local ? local : undefined),
    onlyUser: process.getuid!(),
    localOnly: true,
  };
  readonly #rules: readonly RuleSettings[];
  readonly #keepAlive: KeepAlive;
  readonly #env: Environment;
  /** The number of a name's address, from the beginning on. */
  readonly #numbers = new Map<string, number>();
  #beginning = beginning();

  constructor(rules: readonly RuleSettings[], keepAlive: KeepAlive, env: Environment) {
    this.#rules = rules;
    this.#keepAlive = keepAlive;
    this.#env = env;
    for (const rule of rules) {
      const name = nameOf(rule);
      if (!this.#numbers.has(name)) this.#numbers.set(name, this.#numbers.size);
    }
  }

  /** The rule with the address of its name, wherever that is when it is asked. */
  placed(rule: RuleSettings): RuleSettings {
    const address = () => this.#addressOf(nameOf(rule));
    return {
      ...rule,
      get addresses() {
        return [address()];
      },
    };
  }

  /** Lines of a hosts file. */
  hosts(): { names: ReadonlySet<string>; lines: string } {
    const names = [...this.#numbers.keys()];
    // The same as an IPv6 address too: who asks for such a one alone must not be led to the true one.
    const lines = names.map((name) => `${this.#addressOf(name)} ${name}\n::ffff:${this.#addressOf(name)} ${name}\n`);
    return { names: new Set(names), lines: lines.join("") };
  }

  listening(tproxy: Tproxy): Listening {
    const listeners = new Listeners();
    return {
      listen: () => this.#listen(listeners, tproxy),
      get places(): readonly SocketAddress[] {
        return listeners.addresses;
      },
      drain() {
        listeners.close();
        return tproxy.drain();
      },
      cut: () => tproxy.open.cut(),
    };
  }

  /** Another program may have the same port of the same address: then another beginning is tried. */
  async #listen(listeners: Listeners, tproxy: Tproxy): Promise<void> {
    for (let n = 1; ; n++) {
      try {
        for (const rule of this.#rules) {
          for (const port of rule.ports.keys()) {
            const host = this.#addressOf(nameOf(rule));
            const options = {
              keepAlive: this.#keepAlive,
              accept: (conn: Parameters<Tproxy["accept"]>[0]) => tproxy.accept(conn),
            };
            await listeners.open({ kind: "tcp", host, port }, this.#env, options);
          }
        }
        return;
      } catch (error) {
        listeners.close();
        if (!(error instanceof PortailError) || error.code !== "listen.eaddrinuse" || n === TRIES) throw error;
        this.#beginning = beginning();
      }
    }
  }

  #addressOf(name: string): string {
    const number = this.#beginning + this.#numbers.get(name)!;
    return `127.77.${(number >> 8) & 255}.${number & 255}`;
  }
}

function nameOf({ names }: RuleSettings): string {
  return names[0]!.text;
}

/** By chance, so that two programs at a time rarely want the same; neither the first nor the last addresses. */
function beginning(): number {
  return 1 + (crypto.getRandomValues(new Uint16Array(1))[0]! % 60_000);
}
