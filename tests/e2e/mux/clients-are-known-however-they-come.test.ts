/** A hello byte by byte, a client that is silent, one behind a PROXY header, one too many, one that floods. */
import { expect, test } from "bun:test";
import { connect, createServer, type AddressInfo } from "node:net";
import { curl } from "../../support/curl.ts";
import { RunningMux, type MuxTables } from "../../support/mux-scene.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb } from "../../support/web.ts";
import hellos from "../../conformance/client-hellos.json";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  /** A server that says `greeting`, keeps what it gets, and ends with its client. */
  async function listener(greeting = "") {
    const got: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      if (greeting !== "") socket.write(greeting);
      socket.on("data", (chunk: Buffer) => got.push(chunk));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scene.defer(() => void server.close());
    return { port: (server.address() as AddressInfo).port, got: () => Buffer.concat(got) };
  }

  function client(port: number) {
    const got: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => got.push(chunk));
    scene.defer(() => void socket.destroy());
    return { socket, got: () => Buffer.concat(got) };
  }

  const open = (tables: MuxTables, ...args: string[]) => RunningMux.open(scene, portail, tables, args);

  test("a hello byte by byte arrives as it was sent", async () => {
    const target = await listener();
    const mux = await open({ routes: [{ "server-name": "**.example", target: `127.0.0.1:${target.port}` }] });
    const { hex } = hellos.find(({ source }) => source.startsWith("Go") && source.includes("three"))!;
    const hello = Buffer.from(hex, "hex");
    const { socket } = client(mux.port);
    for (const byte of hello.subarray(0, 200)) {
      socket.write(Uint8Array.of(byte));
      await Bun.sleep(0);
    }
    expect(target.got().length).toBe(0);
    socket.write(hello.subarray(200));
    socket.write("and more");
    const wanted = Buffer.concat([hello, Buffer.from("and more")]);
    await until("the hello", () => target.got().length >= wanted.length);
    expect(target.got()).toEqual(wanted);
    socket.destroy();
    expect((await mux.session()).sent).toBe(wanted.length);
    expect(await mux.stop()).toBe(0);
  });

  test("a hello over the limit gets an alert, and none of it is kept", async () => {
    const mux = await open({ routes: [{ target: "127.0.0.1:9" }] }, "--hello-limit", "1000");
    const { socket, got } = client(mux.port);
    socket.write(Buffer.from("16030140000100ffff", "hex"));
    await until("the alert", () => got().length >= 7);
    expect(got().toString("hex")).toBe("1503010002022f");
    expect(await mux.session()).toMatchObject({ decision: "deny", reason: "hello_too_long" });
    expect(await mux.stop()).toBe(0);
  });

  test("one that is silent goes where the server speaks first; elsewhere it is closed", async () => {
    const mail = await listener("220 mail\r\n");
    const silent = { name: "mail", "first-bytes": ["silent"], target: `127.0.0.1:${mail.port}` };
    const mux = await open({ routes: [silent, { target: "127.0.0.1:9" }] }, "--silent-timeout", "100ms");
    const { got, socket } = client(mux.port);
    await until("the greeting", () => got().toString() === "220 mail\r\n");
    socket.write("EHLO me\r\n");
    await until("the answer", () => mail.got().toString() === "EHLO me\r\n");
    socket.destroy();
    expect(await mux.session()).toMatchObject({ route: "mail", decision: "allow" });
    await mux.stop();
    const other = await open({ routes: [{ target: "127.0.0.1:9" }] }, "--hello-timeout", "100ms");
    client(other.port);
    expect(await other.session()).toMatchObject({ decision: "deny", reason: "first_bytes_timeout" });
    expect(await other.stop()).toBe(0);
  });

  test("a PROXY header counts from where it is to come, and is refused from elsewhere", async () => {
    const web = openWeb(scene);
    const tables = { routes: [{ name: "web", "first-bytes": ["http"], target: `127.0.0.1:${web.port}` }] };
    const plain = (mux: RunningMux) => {
      const { socket } = client(mux.port);
      socket.write("PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\nGET /hello HTTP/1.0\r\nHost: a\r\n\r\n");
    };
    const trusting = await open(tables, "--accept-proxy-from", "127.0.0.0/8");
    plain(trusting);
    expect(await trusting.session()).toMatchObject({ decision: "allow", client: "192.0.2.7:4711" });
    expect((await curl([`http://127.0.0.1:${trusting.port}/hello`])).status).not.toBe(0);
    expect(await trusting.session(({ reason }) => reason === "proxy_header_missing")).toMatchObject({
      decision: "deny",
    });
    await trusting.stop();
    for (const args of [["--accept-proxy-from", "192.0.2.1"], []]) {
      const wary = await open(tables, ...args);
      plain(wary);
      const { reason, client: told } = await wary.session();
      expect(["proxy_header_untrusted", "unknown_protocol"]).toContain(reason);
      expect(told).toStartWith("127.0.0.1:");
      await wary.stop();
    }
  });

  test("a route has as many connections as it may", async () => {
    const target = await listener();
    const routes = [
      { name: "few", "first-bytes": ["ssh"], "max-concurrent-conns": "1", target: `127.0.0.1:${target.port}` },
    ];
    const mux = await open({ routes });
    const first = client(mux.port);
    first.socket.write("SSH-2.0-one\r\n");
    await until("the first", () => target.got().toString() === "SSH-2.0-one\r\n");
    client(mux.port).socket.write("SSH-2.0-two\r\n");
    expect(await mux.session()).toMatchObject({ decision: "deny", reason: "route_limit" });
    first.socket.destroy();
    await mux.session(({ decision }) => decision === "allow");
    client(mux.port).socket.write("SSH-2.0-three\r\n");
    await until("the third", () => target.got().toString().endsWith("three\r\n"));
  });
});
