/** CONNECT over HTTP/2, asked for by Node's client (nghttp2): by prior knowledge and inside TLS, and what is refused how. */
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { allowLocal } from "../../support/access-proxy.ts";
import { http2Client } from "../../support/http2-client.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, ["node", "htpasswd"], ({ scene, portail }) => {
  const echo = async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    scene.defer(() => server.close());
    return (server.address() as { port: number }).port;
  };

  test("one is stalled, and the other 99 are whole", async () => {
    const port = await echo();
    const proxy = await portail.socks({ policy: allowLocal(port) });
    const outcome = await http2Client({
      scenario: "transfer",
      proxy: proxy.url("http"),
      target: `127.0.0.1:${port}`,
      tunnels: 100,
      size: 512 * 1024,
    });
    expect(outcome).toEqual({ whole: 99, stillOpen: true });
    const first = await proxy.record("close");
    expect(first).toMatchObject({ sent: 512 * 1024, received: 512 * 1024, reason: "client" });
    expect(first.session).toMatch(/^[0-9a-z]+-[0-9a-z]+\/\d+$/);
  });

  test("64 MiB go both ways in one tunnel, inside TLS", async () => {
    const ca = authority();
    const { cert, key } = save(scene, "proxy", ca.issue({ san: ["DNS:localhost", "IP:127.0.0.1"] }));
    const port = await echo();
    const proxy = await portail.socks({ policy: allowLocal(port), args: ["--cert", cert, "--key", key] });
    const task = { proxy: proxy.url("https"), target: `127.0.0.1:${port}`, ca: ca.cert } as const;
    const outcome = await http2Client({ ...task, scenario: "transfer", tunnels: 2, size: 64 * 2 ** 20 });
    expect(outcome).toEqual({ whole: 1, stillOpen: true });
  });

  test("the policy decides each stream, and knows that it is HTTP/2", async () => {
    const port = await echo();
    const policy = `policy two {\n  when port == ${port} and dest.ip in [127.0.0.0/8] and proxy.version == "2" and header.x-team == "a"\n  action allow\n}\n`;
    const proxy = await portail.socks({ policy });
    const task = { scenario: "ask", proxy: proxy.url("http"), target: `127.0.0.1:${port}` } as const;
    expect(await http2Client({ ...task, headers: { "x-team": "a" } })).toMatchObject({ answer: { ":status": 200 } });
    expect(await http2Client({ ...task, headers: { "x-team": "b" } })).toMatchObject({
      answer: { ":status": 403, "proxy-status": "portail; error=http_request_denied" },
      body: expect.stringContaining("403 Forbidden"),
    });
  });

  test("what is not served is told", async () => {
    const port = await echo();
    const proxy = await portail.socks({ policy: allowLocal(port) });
    const task = { scenario: "ask", proxy: proxy.url("http"), target: `127.0.0.1:${port}` } as const;
    const get = { ":method": "GET", ":scheme": "https", ":path": "/" };
    expect(await http2Client({ ...task, headers: get })).toMatchObject({ answer: { ":status": 400 } });
    const other = { ":protocol": "connect-udp", ":scheme": "https", ":path": "/" };
    expect(await http2Client({ ...task, headers: other })).toMatchObject({ answer: { ":status": 501 } });
    expect(await http2Client({ ...task, target: "127.0.0.1:1:2" })).toMatchObject({ answer: { ":status": 400 } });
  });

  test("users prove themselves on each stream", async () => {
    const port = await echo();
    const users = scene.write("users", "ann:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n");
    const proxy = await portail.socks({ policy: allowLocal(port), args: ["--users", users] });
    const task = { scenario: "ask", proxy: proxy.url("http"), target: `127.0.0.1:${port}` } as const;
    const basic = (text: string) => ({ "proxy-authorization": `Basic ${btoa(text)}` });
    expect(await http2Client(task)).toMatchObject({
      answer: { ":status": 407, "proxy-authenticate": 'Basic realm="portail", charset="UTF-8"' },
    });
    expect(await http2Client({ ...task, headers: basic("ann:wrong") })).toMatchObject({ answer: { ":status": 407 } });
    expect(await http2Client({ ...task, headers: basic("ann:myPassword") })).toMatchObject({
      answer: { ":status": 200 },
    });
    expect(await proxy.record("decision")).toMatchObject({ user: "ann" });
  });

  test("limits of places hold for streams", async () => {
    const port = await echo();
    const proxy = await portail.socks({
      policy: allowLocal(port),
      args: ["--max-conns-per-client", "10", "--status", "127.0.0.1:0"],
    });
    const task = { proxy: proxy.url("http"), target: `127.0.0.1:${port}`, tunnels: 21, size: 64 * 1024 } as const;
    const outcome = await http2Client({ ...task, scenario: "transfer" });
    expect(outcome).toEqual({ whole: 9, stillOpen: true });
    expect(await proxy.record("reject")).toMatchObject({ reason: "limit" });
    const numbers = ["http2_connections_total", "http2_streams_total"].map((name) => proxy.metric(name));
    expect(await Promise.all(numbers)).toEqual([1, 21]);
  });
});
