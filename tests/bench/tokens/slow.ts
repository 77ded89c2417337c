/** A tunnel of a process whose other tunnel has a slow token: round trips of one byte, with and without clients that wait for it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { freePort } from "../../support/free-port.ts";
import { tunnelConfig } from "../../support/tunnel-scene.ts";
import type { LatencyPlan, LatencyResult } from "../load/plan.ts";
import type { Contender } from "../support/contender.ts";
import { runLoad } from "../support/load.ts";
import { withDaemons, type Bench } from "../support/measure.ts";
import { SERVER_NAME } from "../tunnel/material.ts";
import { haproxyClient } from "../tunnel/sides.ts";

export const WAITING = 100;
/** Milliseconds of a signature. */
export const SIGNING = 200;
const LIMIT_MS = 30_000;

/** Keys for both tunnels. */
export interface SlowPlace {
  env: Readonly<Record<string, string>>;
  /** Of the tunnel that is measured. */
  uri: string;
  /** In a token that takes its time. */
  slowUri: string;
}

/** Milliseconds; how many clients still waited behind the round trips, and how many were served meanwhile. */
export interface SlowFigures {
  without: number;
  with: number;
  waiting: number;
  served: number;
}

/** One round. Throws where nobody waited, or the echo failed. */
export async function measureSlow(command: string, place: SlowPlace, bench: Bench): Promise<SlowFigures> {
  const slowPort = freePort();
  return await withDaemons(process(command, place, slowPort), bench, {}, async ({ route }) => {
    const { echoes, warmupEchoes } = bench.effort;
    const plan: LatencyPlan = { ...route, echoes, warmup: warmupEchoes, limitMs: LIMIT_MS / 2 };
    const p99 = async () => {
      const { proxied, echoes: done } = await runLoad<LatencyResult>("latency", plan, LIMIT_MS);
      if (done === 0) throw new Error("the echo failed");
      return proxied.p99 / 1000;
    };
    const without = await p99();
    const clients = new Clients(slowPort, bench.dir);
    try {
      await Bun.sleep(2 * SIGNING);
      const beside = await p99();
      if (clients.served === 0) throw new Error(`nobody was served by the slow token: ${clients.trouble}`);
      return { without, with: beside, waiting: clients.waiting, served: clients.served };
    } finally {
      clients.stop();
    }
  });
}

function process(command: string, { env, uri, slowUri }: SlowPlace, slowPort: number): Contender {
  return {
    name: "slow",
    family: "mTLS",
    via: "none",
    peer: false,
    programs: [],
    note: "",
    setup({ port, targetPort, link, dir }) {
      const common = { trust: "all", target: `127.0.0.1:${targetPort}`, "allow-all": true };
      const config = tunnelConfig(
        { all: { cacert: join(dir, "ca.pem") } },
        {
          quick: { ...common, identity: "quick", listen: `127.0.0.1:${link.listen}` },
          slow: { ...common, identity: "slow", listen: `127.0.0.1:${slowPort}` },
        },
        { quick: { keystore: uri }, slow: { keystore: slowUri } },
      );
      const variables = Object.entries(env).map((pair) => pair.join("="));
      const words = command.split(" ").filter((word) => word !== "");
      const far = ["tunnel", "server", "--config", join(dir, "slow.toml"), "--quiet=all"];
      const near = haproxyClient({ port, to: link.listen, dir, resume: false });
      return {
        daemons: [
          { argv: ["env", ...variables, ...words, ...far], port: link.listen },
          { argv: near.argv, port },
        ],
        files: { "slow.toml": config, ...near.files },
      };
    },
  };
}

/** So many at a time, each of which comes again once it was served or turned away. */
class Clients {
  served = 0;
  trouble = "";
  #over = false;
  readonly #open = new Set<{ destroy(): void }>();

  constructor(port: number, dir: string) {
    const read = (name: string) => readFileSync(join(dir, name), "utf8");
    const options = {
      port,
      host: "127.0.0.1",
      servername: SERVER_NAME,
      ca: read("ca.pem"),
      cert: read("client.pem"),
      key: read("client.key"),
    };
    for (let i = 0; i < WAITING; i++) void this.#lane(options);
  }

  async #lane(options: object): Promise<void> {
    while (!this.#over) {
      await this.#once(options);
      // Who is turned away at once must not be back at once.
      await Bun.sleep(20);
    }
  }

  #once(options: object): Promise<void> {
    const socket = connect(options, () => socket.write("x"));
    this.#open.add(socket);
    return new Promise((resolve) => {
      socket.on("data", () => {
        this.served++;
        socket.destroy();
      });
      socket.on("error", ({ message }) => (this.trouble = message));
      socket.on("close", () => {
        this.#open.delete(socket);
        resolve();
      });
    });
  }

  get waiting(): number {
    return this.#open.size;
  }

  stop(): void {
    this.#over = true;
    for (const socket of this.#open) socket.destroy();
  }
}
