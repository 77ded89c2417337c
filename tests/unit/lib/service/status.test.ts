/** The status listener, asked by curl and by clients that behave badly. */
import { afterAll, describe, expect, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import type { Conn } from "../../../../lib/net/conn.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { parseEndpoint } from "../../../../lib/net/endpoint.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { createContext } from "../../../../lib/net/tls-context.ts";
import { secure } from "../../../../lib/net/tls.ts";
import { openStatus, type Answer, type Route, type StatusOptions } from "../../../../lib/service/status.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { curl } from "../../../support/curl.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { run } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { readAll, until } from "../net/support.ts";

const scene = new Scene();
afterAll(() => scene.close());

const text = (body: string): Answer => ({ status: 200, type: "text/plain", body });

async function serve(where = "127.0.0.1:0", more: Partial<StatusOptions> & { slow?: Promise<void> } = {}) {
  const { log, lines } = fakeRuntime();
  const asked: string[] = [];
  const routes = new Map<string, Route>([
    ["/page", { method: "GET", answer: (query) => (asked.push(String(query)), text("a page\n")) }],
    ["/large", { method: "GET", answer: () => text("x".repeat(4_000_000)) }],
    [
      "/slow",
      {
        method: "GET",
        answer: () => (asked.push("slow"), (more.slow ?? Promise.resolve()).then(() => text("late\n"))),
      },
    ],
    // More than a socket's buffers hold.
    ["/huge", { method: "GET", answer: () => text("x".repeat(40_000_000)) }],
    ["/broken", { method: "GET", answer: () => Promise.reject(new Error("a mistake")) }],
    ["/order", { method: "POST", answer: () => (asked.push("order"), text("done\n")) }],
  ]);
  const status = await openStatus(parseEndpoint(where, "--status"), {}, { routes, log, ...more });
  scene.defer(() => status.close());
  const port = "port" in status.address ? status.address.port : 0;
  return { status, port, url: `http://127.0.0.1:${port}`, asked, lines };
}

function connect(port: number, first = ""): Socket {
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(first);
  return socket;
}

const NEEDS = ["curl", "openssl"];
const absent = missing(NEEDS);
if (absent.length > 0) leaveOut("the status listener answers curl", absent);
else {
  describe("curl", () => {
    test("gets a page, its size and type, with the query as it was written", async () => {
      const { url, asked } = await serve();
      const { stdout } = await curl(["--include", `${url}/page?format=json&x=%2F`]);
      expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(stdout).toMatch(/\r\nContent-Type: text\/plain\r\n/i);
      expect(stdout).toMatch(/\r\nContent-Length: 7\r\n/i);
      expect(stdout).toMatch(/\r\nConnection: close\r\n/i);
      expect(stdout).toEndWith("\r\n\r\na page\n");
      expect(asked).toEqual(["format=json&x=%2F"]);
    });

    test("gets the head alone where it asks for that", async () => {
      const { url, asked } = await serve();
      const { status, stdout } = await curl(["--head", `${url}/page`]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 7\r\n[^]*\r\n\r\n$/i);
      expect(asked).toHaveLength(1);
    });

    test("gets all of a large page, also when it reads slowly, and by HTTP/1.0", async () => {
      const { url } = await serve();
      for (const how of [["--limit-rate", "3M"], ["--http1.0"], ["--http2"]]) {
        const { stdout } = await curl([...how, `${url}/large`]);
        expect(stdout.length).toBe(4_000_000);
      }
    });

    test.each([
      ["/", 404],
      ["/page/", 404],
      ["//page", 404],
      ["/Page", 404],
      ["/x/../page", 404],
      ["/%70age", 404],
    ])("%s: %d, and is told what there is", async (path, status) => {
      const { url, asked } = await serve();
      const { stdout } = await curl(["--path-as-is", "--write-out", "%{http_code}", `${url}${path}`]);
      expect(stdout).toBe(
        `not found; there is GET /page, GET /large, GET /slow, GET /huge, GET /broken, POST /order\n${status}`,
      );
      expect(asked).toEqual([]);
    });

    test.each([
      ["POST", "/page", "GET, HEAD"],
      ["DELETE", "/page", "GET, HEAD"],
      ["OPTIONS", "/page", "GET, HEAD"],
      ["GET", "/order", "POST"],
      ["HEAD", "/order", "POST"],
      ["PUT", "/order", "POST"],
    ])("%s %s: 405, with the methods that do", async (method, path, allow) => {
      const { url, asked } = await serve();
      const how = method === "HEAD" ? ["--head"] : ["--include", "--request", method];
      const { stdout } = await curl([...how, `${url}${path}`]);
      expect(stdout).toMatch(/^HTTP\/1\.1 405 /);
      expect(stdout).toContain(`\r\nAllow: ${allow}\r\n`);
      expect(asked).toEqual([]);
    });

    test("gives an order, with a body or without; a web page does not", async () => {
      const { url, asked } = await serve();
      expect((await curl(["--request", "POST", `${url}/order`])).stdout).toBe("done\n");
      expect((await curl(["--data", "a=b", `${url}/order`])).stdout).toBe("done\n");
      for (const header of ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"]) {
        const { stdout } = await curl(["--include", "--request", "POST", "--header", header, `${url}/order`]);
        expect(stdout).toMatch(/^HTTP\/1\.1 403 /);
      }
      expect(asked).toEqual(["order", "order"]);
    });

    test("learns of a mistake of ours, and is served on", async () => {
      const { url, lines } = await serve();
      expect((await curl(["--include", `${url}/broken`])).stdout).toMatch(/^HTTP\/1\.1 500 /);
      expect(lines.join()).toContain("a mistake");
      expect((await curl([`${url}/page`])).stdout).toBe("a page\n");
    });

    test("asks on a UNIX socket, whose path is gone afterwards", async () => {
      const path = scene.path("status");
      const { status } = await serve(`unix:${path}`);
      expect((await curl(["--unix-socket", path, "http://anything/page"])).stdout).toBe("a page\n");
      await status.close();
      expect(await Bun.file(path).exists()).toBe(false);
    });

    test("asks by TLS where the daemon has a certificate, and nobody is served without", async () => {
      const [cert, key] = [scene.path("cert.pem"), scene.path("key.pem")];
      const subject = ["-subj", "/CN=status", "-addext", "subjectAltName=IP:127.0.0.1"];
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
      await run(["openssl", "req", "-x509", ...kind, ...subject, "-keyout", key, "-out", cert]);
      const context = createContext({
        material: { cert: await Bun.file(cert).text(), key: await Bun.file(key).text() },
      });
      const shared = { requestCert: false, verify: false, protocolIds: [], keepAlive: new KeepAlive(0) };
      const options = { context, ...shared, deadlines: new Deadlines(10_000) };
      const { port, asked, lines } = await serve("127.0.0.1:0", {
        secure: (conn: Conn) => secure(conn, { bytes: new Uint8Array(), ended: false }, true, options),
      });
      const url = `https://127.0.0.1:${port}`;
      expect(await curl(["--cacert", cert, `${url}/page`])).toMatchObject({ status: 0, stdout: "a page\n" });
      expect((await curl(["--cacert", cert, `${url}/large`])).stdout.length).toBe(4_000_000);
      expect((await curl([`http://127.0.0.1:${port}/page`])).status).not.toBe(0);
      await until(() => lines.some((line) => line.includes("no TLS")), "the refusal in the log");
      expect(asked).toHaveLength(1);
    });
  });
}

describe("a client that", () => {
  test("speaks no HTTP, or sends an endless head, is told so and closed", async () => {
    const { port } = await serve();
    for (const words of ["GARBAGE\r\n\r\n", "\x16\x03\x01\x02\x00", `GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}`]) {
      expect(String(await readAll(connect(port, words)))).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    }
  });

  test("asks twice on one connection is answered once", async () => {
    const { port, asked } = await serve();
    const answers = String(await readAll(connect(port, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2))));
    expect(answers.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  test("sends an endless body is cut before it has its answer", async () => {
    const { port } = await serve("127.0.0.1:0", { slow: new Promise(() => {}) });
    const socket = connect(port, "GET /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    const feed = setInterval(() => socket.write(new Uint8Array(16_384)), 1);
    expect((await readAll(socket)).length).toBe(0);
    clearInterval(feed);
  }, 15_000);

  test("sends endless requests is cut before it has its first answer", async () => {
    const { port, asked } = await serve("127.0.0.1:0", { slow: new Promise(() => {}) });
    const socket = connect(port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    const feed = setInterval(() => socket.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500)), 1);
    expect((await readAll(socket)).length).toBe(0);
    clearInterval(feed);
    expect(asked).toEqual(["slow"]);
  }, 15_000);

  test("is slow to ask is cut, however busy it looks", async () => {
    const { port, asked } = await serve("127.0.0.1:0", { asking: 50 });
    const socket = connect(port, "GET /page HTTP/1.1\r\n");
    const trickle = setInterval(() => socket.write("X"), 5);
    expect((await readAll(socket)).length).toBe(0);
    clearInterval(trickle);
    expect(asked).toEqual([]);
  });

  test("never gets its answer, or does not take it, is cut", async () => {
    const { port } = await serve("127.0.0.1:0", { answering: 50, slow: new Promise(() => {}) });
    expect((await readAll(connect(port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))).length).toBe(0);
    const socket = connect(port, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n").pause();
    const gone = new Promise((resolve) => socket.on("close", resolve));
    await Bun.sleep(200);
    let taken = 0;
    socket.on("data", ({ length }) => (taken += length));
    await gone;
    expect(taken).toBeLessThan(40_000_000);
  });

  test("says nothing keeps nobody out: the oldest gives way", async () => {
    const { port, asked } = await serve();
    const silent = Array.from({ length: 200 }, () => connect(port));
    let gone = 0;
    for (const socket of silent) socket.on("close", () => gone++);
    await until(() => gone >= 168);
    expect(String(await readAll(connect(port, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n")))).toEndWith("a page\n");
    expect(asked).toHaveLength(1);
    expect(gone).toBeLessThan(200);
    for (const socket of silent) socket.destroy();
  });
});

describe("the close", () => {
  test("ends those who have asked nothing, at once, and accepts nobody more", async () => {
    const { status, port } = await serve();
    const silent = connect(port);
    const gone = readAll(silent);
    await new Promise((resolve) => silent.once("connect", resolve));
    // The listener has accepted it once it answers one that came after.
    await readAll(connect(port, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
    await status.close();
    expect((await gone).length).toBe(0);
    expect((await readAll(connect(port, "GET /page HTTP/1.1\r\n\r\n"))).length).toBe(0);
  });

  test("waits for an answer that is under way", async () => {
    const slow = Promise.withResolvers<void>();
    const { status, port, asked } = await serve("127.0.0.1:0", { slow: slow.promise });
    const client = connect(port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    client.on("end", () => client.end());
    const answer = readAll(client);
    await until(() => asked.length === 1);
    let closed = false;
    const closing = status.close().then(() => (closed = true));
    await Bun.sleep(5);
    expect(closed).toBe(false);
    slow.resolve();
    expect(String(await answer)).toEndWith("late\n");
    await closing;
  });

  test("does not wait for ever for one who does not take it", async () => {
    const { status, port } = await serve();
    const client = connect(port, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    client.pause();
    await until(() => client.bytesRead >= 0 && !client.connecting);
    await readAll(connect(port, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"));
    await status.close();
    client.destroy();
  });
});

test("a place that is taken is the operator's to know", async () => {
  const { port } = await serve();
  expect(serve(`127.0.0.1:${port}`)).rejects.toMatchObject({ code: "listen.eaddrinuse", exit: 71 });
});
