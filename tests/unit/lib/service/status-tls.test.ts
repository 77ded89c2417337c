/** TLS of a status listener: who is served by it, and who only tries. */
import { afterAll, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { connect } from "node:tls";
import { readIdentity } from "../../../../lib/identity/identity.ts";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { parseEndpoint } from "../../../../lib/net/endpoint.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openStatus, type Routes } from "../../../../lib/service/status.ts";
import { statusTls } from "../../../../lib/service/status-tls.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { authority, save } from "../../../support/pki.ts";
import { Scene } from "../../../support/scene.ts";
import { readAll, until } from "../net/support.ts";

const scene = new Scene();
afterAll(() => scene.close());

const ca = authority();

async function serve(patience = 10_000) {
  const { log, lines } = fakeRuntime();
  const { keystore } = save(scene, "status", ca.issue({ cn: "status", san: ["DNS:status.example"] }));
  const identity = readIdentity({ kind: "keystore", keystore }, new SourceFiles({ cwd: "/", env: {} }));
  const secure = statusTls(() => identity, { deadlines: new Deadlines(patience), keepAlive: new KeepAlive(0) });
  const answer = () => ({ status: 200, type: "text/plain", body: "a page\n" });
  const routes: Routes = new Map([["/page", { method: "GET", answer }]]);
  const status = await openStatus(parseEndpoint("127.0.0.1:0", "--status"), {}, { routes, log, secure });
  scene.defer(() => status.close());
  return { port: "port" in status.address ? status.address.port : 0, lines };
}

async function ask(port: number): Promise<string> {
  const socket = connect({ port, ca: ca.cert, servername: "status.example" });
  socket.write("GET /page HTTP/1.1\r\nHost: status.example\r\n\r\n");
  return String(await readAll(socket));
}

test.each([
  ["speaks no TLS", "GET /page HTTP/1.1\r\n\r\n", false],
  ["leaves at once", "", true],
  ["leaves in the middle", "\x16\x03\x01\x02\x00\x01", true],
  ["is silent until time is over", "", false],
])("a visitor that %s is closed, and the next one is served", async (_name, words, leaves) => {
  const { port, lines } = await serve(200);
  const visitor = createConnection({ port, host: "127.0.0.1" });
  visitor.on("error", () => {});
  visitor.write(Buffer.from(words, "latin1"));
  if (leaves) visitor.end();
  await until(() => lines.some((line) => line.includes("no TLS")), "the refusal in the log");
  await until(() => visitor.closed, "the end of the visitor");
  expect(await ask(port)).toEndWith("a page\n");
});
