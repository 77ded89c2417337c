/** Extended CONNECT (RFC 8441): Node's HTTP/2 client, Python's WebSocket server; in the clear and over TLS that is verified. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { http2Client } from "../../support/http2-client.ts";
import { authority, save } from "../../support/pki.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb } from "../../support/web.ts";

const ECHO = resolve(import.meta.dir, "../../support/websocket-echo.py");
const ROUND = { answer: { ":status": 200, "sec-websocket-protocol": "echo" }, opcode: 0x81, text: "round and round" };
const HEADERS = { "sec-websocket-protocol": "echo", origin: "https://a.example", "sec-websocket-version": "13" };

scenario(import.meta.file, ["node", "python3", "python3:websockets"], ({ scene, portail }) => {
  const serve = async (...args: string[]) => {
    const server = start(scene, ["/usr/bin/python3", ECHO, ...args], {});
    const [, port] = await server.output("stdout", /port (\d+)/);
    return { server, port: Number(port) };
  };
  const local =
    'policy web {\n  when dest.ip in [127.0.0.0/8, ::1] and path == "/chat" and query == "a=1" and scheme == "SCHEME"\n  action allow\n}\n';
  const task = { scenario: "websocket", path: "/chat?a=1", headers: HEADERS } as const;

  test("weakness 6.1.7: in the clear", async () => {
    const { server, port } = await serve();
    const proxy = await portail.socks({ policy: local.replace("SCHEME", "http") });
    const outcome = await http2Client({ ...task, proxy: proxy.url("http"), target: `127.0.0.1:${port}` });
    expect(outcome).toMatchObject(ROUND);
    await server.output("stdout", /path \/chat\?a=1 origin https:\/\/a\.example/);
    const denied = await http2Client({ ...task, path: "/else", proxy: proxy.url("http"), target: `127.0.0.1:${port}` });
    expect(denied).toMatchObject({ answer: { ":status": 403 } });
  });

  test("weakness 6.1.7: over TLS: the certificate must be of an authority of the system, and for the name", async () => {
    const ca = authority();
    const trust = scene.write("ca.pem", ca.cert);
    const good = save(scene, "origin", ca.issue({ san: ["IP:127.0.0.1"] }));
    const wrong = save(scene, "other", ca.issue({ san: ["DNS:other.example"] }));
    const foreign = save(scene, "foreign", authority("Nobody").issue({ san: ["IP:127.0.0.1"] }));
    const proxy = await portail.socks({ policy: local.replace("SCHEME", "https"), env: { SSL_CERT_FILE: trust } });
    const ask = async ({ cert, key }: { cert: string; key: string }) => {
      const { port } = await serve(cert, key);
      const target = `127.0.0.1:${port}`;
      return http2Client({ ...task, scheme: "https", proxy: proxy.url("http"), target });
    };
    expect(await ask(good)).toMatchObject(ROUND);
    for (const bad of [wrong, foreign]) expect(await ask(bad)).toMatchObject({ answer: { ":status": 502 } });
  });

  test("an origin that has no WebSocket there is quoted by its status", async () => {
    const web = openWeb(scene);
    const proxy = await portail.socks({ policy: local.replace("SCHEME", "http") });
    const outcome = await http2Client({ ...task, proxy: proxy.url("http"), target: `127.0.0.1:${web.port}` });
    expect(outcome).toMatchObject({ answer: { ":status": 404 } });
  });
});
