/** Proves, before anything is measured, what a pair does: which handshakes it makes, counted on the wire, and whom it refuses. */
import { readFileSync } from "node:fs";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { connect as connectTls, createServer } from "node:tls";
import type { RatePlan, RateResult, TapPlan, TapResult } from "../load/plan.ts";
import type { Contender } from "../support/contender.ts";
import { runLoad, startLoad } from "../support/load.ts";
import { withDaemons, type Bench } from "../support/measure.ts";
import { PARALLEL } from "../support/modes.ts";
import { freePort } from "../../support/free-port.ts";
import type { Proof } from "./handshakes.ts";
import { SERVER_NAME, type Person } from "./material.ts";

const LIMIT_MS = 20_000;
const COUNTING_MS = 2_000;
/** Handshakes that prove something, and how often they are tried for on a busy machine. */
const ENOUGH = 4 * PARALLEL;
const TURNS = 8;
/** Who has not been refused by then has not been refused. */
const PATIENCE_MS = 15_000;

export async function prove(contender: Contender, bench: Bench): Promise<Proof> {
  return {
    full: await countHandshakes(contender, bench, false),
    resumed: await countHandshakes(contender, bench, true),
    wrong: await wronglyAccepted(contender, bench),
  };
}

/** The handshakes of a short run through a tap, with the configuration and the load of the measured runs. */
async function countHandshakes(contender: Contender, bench: Bench, resume: boolean): Promise<TapResult> {
  const listen = freePort();
  const tap = await startLoad<{ port: number } & TapResult>("tap", { to: listen } satisfies TapPlan, LIMIT_MS);
  try {
    await withDaemons(contender, bench, { listen, dial: tap.answer.port, resume }, async ({ route }) => {
      const plan: RatePlan = { ...route, parallel: PARALLEL, warmupMs: 0, durationMs: COUNTING_MS };
      let done = 0;
      for (let turn = 0; turn < TURNS && done < ENOUGH; turn++) {
        done += (await runLoad<RateResult>("rate", plan, LIMIT_MS)).total;
      }
      if (done === 0) throw new Error("no connection succeeded");
    });
    return await tap.finish();
  } finally {
    await tap.stop();
  }
}

/** Whom either side lets through though it must not; empty is as it should be. */
async function wronglyAccepted(contender: Contender, bench: Bench): Promise<string[]> {
  const wrong: string[] = [];
  const listen = freePort();
  await withDaemons(contender, bench, { listen }, async () => {
    if (!(await serverAccepts(listen, bench.dir, "client"))) wrong.push("the server side refuses the right client");
    if (await serverAccepts(listen, bench.dir, "stranger")) wrong.push("the server side takes another CA's client");
    if (await serverAccepts(listen, bench.dir, undefined))
      wrong.push("the server side takes a client without certificate");
  });
  if (!(await clientAccepts(contender, bench, "server"))) wrong.push("the client side refuses the right server");
  if (await clientAccepts(contender, bench, "stranger")) wrong.push("the client side takes another CA's server");
  if (await clientAccepts(contender, bench, "misnamed")) wrong.push("the client side takes a server of another name");
  return wrong;
}

function material(dir: string, person: Person | undefined) {
  const read = (name: string) => readFileSync(join(dir, name), "utf8");
  return { ca: read("ca.pem"), ...(person && { cert: read(`${person}.pem`), key: read(`${person}.key`) }) };
}

/** Whether a byte comes back through the server side from the target. */
function serverAccepts(port: number, dir: string, person: Person | undefined): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const options = { host: "127.0.0.1", port, servername: SERVER_NAME, rejectUnauthorized: true };
  const socket = connectTls({ ...options, ...material(dir, person) }, () => socket.write("\x01"));
  socket.on("data", () => resolve(true));
  socket.on("error", () => resolve(false));
  socket.on("close", () => resolve(false));
  return settled(promise).finally(() => socket.destroy());
}

/** Whether a byte comes out of the client side at a TLS server that has the certificate of `person`. */
async function clientAccepts(contender: Contender, bench: Bench, person: Person): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const impostor = createServer({ ...material(bench.dir, person), minVersion: "TLSv1.3" }, (socket) => {
    socket.on("data", () => resolve(true));
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => void impostor.listen(0, "127.0.0.1", done));
  const dial = (impostor.address() as AddressInfo).port;
  try {
    return await withDaemons(contender, bench, { dial }, async ({ route }) => {
      const socket = connect(route.port, "127.0.0.1", () => socket.write("\x01"));
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      return settled(promise).finally(() => socket.destroy());
    });
  } finally {
    impostor.close();
  }
}

/** False as well when nothing happens for long: then nothing was let through. */
function settled(promise: Promise<boolean>): Promise<boolean> {
  return Promise.race([promise, Bun.sleep(PATIENCE_MS).then(() => false)]);
}
