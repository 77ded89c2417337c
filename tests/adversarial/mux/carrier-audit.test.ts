/** An audit that takes nothing, with `--audit-full block`, at a multiplexer that passes TLS on: clients wait unread until it does, and no record is lost. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync, unlinkSync } from "node:fs";
import { AuditTrail } from "../../support/audit-trail.ts";
import { FarEnd } from "../../support/far-end.ts";
import { muxConfig } from "../../support/mux-scene.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { RawClient } from "../raw-client.ts";
import { HELLO, passing } from "./carried.ts";

setDefaultTimeout(60_000);

const CLIENTS = 20;
const scene = new Scene();
afterAll(() => scene.close());

test("clients wait for a disk that is full", async () => {
  const far = await FarEnd.open(scene);
  far.serve((socket) => socket.pipe(socket));
  const file = scene.path("audit.jsonl");
  symlinkSync("/dev/full", file);
  const config = scene.write("blocked.toml", muxConfig(passing(far.text)));
  const flags = ["--listen", "127.0.0.1:0", "--config", config, "--audit", file, "--audit-full", "block"];
  const program = new Portail(FORMS[0]!, scene).start(["mux", "serve", ...flags]);
  const [, port] = await program.output("stderr", /listening on \S+:(\d+)/);
  await program.output("stderr", /the audit waits, and so do new clients/);
  const clients: RawClient[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = await RawClient.open(Number(port));
    client.write(HELLO);
    clients.push(client);
  }
  let looks = 0;
  await until("a while", () => ++looks === 40);
  expect(far.accepted).toBe(0);
  unlinkSync(file);
  program.signal("SIGHUP");
  await program.output("stderr", /the audit is written again/);
  for (const client of clients) {
    expect(await client.read(HELLO.length)).toEqual(HELLO);
    client.end();
    await client.closed;
  }
  const trail = new AuditTrail(file, () => program.stderr);
  await until("all records", () => trail.of("session").length === CLIENTS);
  program.signal("SIGTERM");
  expect(await program.ended).toBe(0);
});
