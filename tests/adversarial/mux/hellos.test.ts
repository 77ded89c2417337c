/** Broken hellos, in pieces, at a running multiplexer: each is led or refused, nothing stays open, and its memory does not grow with them. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type AddressInfo } from "node:net";
import hellos from "../../conformance/client-hellos.json";
import { mutate } from "../../fuzz/mutate.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { createPrng } from "../prng.ts";

setDefaultTimeout(600_000);

const CLIENTS = process.env["PORTAIL_LONG"] === "1" ? 20_000 : 1000;
const AT_ONCE = 50;
const scene = new Scene();
afterAll(() => scene.close());

test(`${CLIENTS} broken hellos`, async () => {
  const random = createPrng();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end("led"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.defer(() => void server.close());
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const portail = new Portail(FORMS[0]!, scene);
  const mux = await RunningMux.open(scene, portail, { routes: [{ target }] }, ["--hello-timeout", "500ms"]);
  const seen = { led: 0, alert: 0, closed: 0 };
  const once = (bytes: Buffer) =>
    new Promise<void>((resolve) => {
      const got: Buffer[] = [];
      const socket = connect(mux.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => got.push(chunk));
      socket.on("end", () => socket.end());
      socket.on("close", () => {
        const answer = Buffer.concat(got);
        if (answer.toString() === "led") seen.led++;
        else if (answer[0] === 0x15 && answer.length === 7) seen.alert++;
        else if (answer.length === 0) seen.closed++;
        else throw new Error(`seed ${random.seed}: ${answer.toString("hex")} for ${bytes.toString("hex")}`);
        resolve();
      });
      const cut = random.below(bytes.length + 1);
      socket.write(bytes.subarray(0, cut));
      setImmediate(() => socket.write(bytes.subarray(cut)));
    });
  const resident = async () =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(await Bun.file(`/proc/${mux.program.pid}/status`).text())![1]);
  const batch = (count: number) => {
    const all = Array.from({ length: count }, () => Buffer.from(hellos[random.below(hellos.length)]!.hex, "hex"));
    return Promise.all(all.map((bytes) => once(random.below(8) === 0 ? bytes : mutate(bytes, random))));
  };
  for (let i = 0; i < 4; i++) await batch(AT_ONCE);
  const before = await resident();
  for (let i = 0; i < CLIENTS; i += AT_ONCE) await batch(AT_ONCE);
  expect((await resident()) - before).toBeLessThan(64 * 1024);
  expect(seen.led).toBeGreaterThan(CLIENTS / 20);
  expect(seen.alert).toBeGreaterThan(CLIENTS / 20);
  const wanted = CLIENTS + 4 * AT_ONCE;
  await until("all records", () => mux.audit.of("session").length === wanted);
  expect(await mux.stop()).toBe(0);
  expect(mux.program.stderr).not.toContain("internal error");
});
