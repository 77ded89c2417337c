/** PROXY headers between us and the programs that use them: HAProxy and curl write what we read, HAProxy and nginx read what we write. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, createServer, type Socket } from "node:net";
import { decodeProxyHeader, encodeProxyHeader, type ProxyClaim } from "../../lib/wire/proxy-protocol.ts";
import type { ProxyHeader } from "../../lib/wire/proxy-v2.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { haproxy, install } from "../support/peer-programs.ts";
import { PATH, run, start } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { freePort } from "../support/free-port.ts";

setDefaultTimeout(60_000);

const NEEDS = missing(["haproxy", "nginx", "curl", "openssl"]);
const scene = new Scene();
afterAll(() => scene.close());

/** Reads the header that each connection begins with, and answers as little as HTTP allows. */
class Backend {
  readonly port = freePort();
  readonly #headers: ProxyHeader[] = [];

  async open(): Promise<void> {
    const server = createServer((socket) => this.#read(socket));
    scene.defer(() => server.close());
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
  }

  /** Those of connections that only looked whether somebody listens come here too. */
  header(matches: (header: ProxyHeader) => boolean): Promise<ProxyHeader> {
    return until("a header", () => this.#headers.find(matches));
  }

  forget(): void {
    this.#headers.length = 0;
  }

  #read(socket: Socket): void {
    let held = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const decoded = decodeProxyHeader(held);
      if (decoded.kind === "more") return;
      if (decoded.kind === "bad") throw new Error(`${decoded.reason}: ${held.toString("hex")}`);
      this.#headers.push(decoded.value);
      socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
  }
}

async function certificates(): Promise<void> {
  const subject = (name: string) => [
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-subj",
    `/CN=${name}`,
  ];
  for (const name of ["server", "ann é"]) {
    const file = name.slice(0, 3);
    const files = ["-keyout", `${file}.key`, "-out", `${file}.crt`];
    const made = await run(["openssl", "req", "-x509", "-utf8", "-days", "2", ...subject(name), ...files], {
      cwd: scene.folder,
    });
    if (made.status !== 0) throw new Error(made.stderr);
  }
  scene.write(
    "server.pem",
    (await Bun.file(scene.path("ser.crt")).text()) + (await Bun.file(scene.path("ser.key")).text()),
  );
}

/** Listeners of HAProxy by what they are for, all of them ports of 127.0.0.1. */
const ports = { v1: freePort(), v2: freePort(), tls: freePort(), accept: freePort(), nginx: freePort() };
const OPTIONS = "crc32c,unique-id,authority,ssl-cipher,cert-sig,cert-key";
const TOLD = "%[src] %[src_port] %[dst] %[dst_port] %[fc_pp_authority]";

async function openHaproxy(backend: number): Promise<void> {
  const to = (name: string, bind: string, flags: string) => [
    `listen ${name}`,
    `  bind ${bind}`,
    "  unique-id-format id-%[src]",
    `  server s 127.0.0.1:${backend} ${flags}`,
  ];
  const tls = `127.0.0.1:${ports.tls} ssl crt server.pem ca-file ann.crt verify optional alpn postgresql`;
  const sections = [
    to("v1", `127.0.0.1:${ports.v1}`, "send-proxy"),
    to("v2", `127.0.0.1:${ports.v2}`, "send-proxy-v2"),
    to("unix", `unix@${scene.path("haproxy.sock")}`, "send-proxy-v2"),
    to("tls", tls, `send-proxy-v2-ssl-cn proxy-v2-options ${OPTIONS}`),
    [
      "frontend accept",
      "  mode http",
      `  bind 127.0.0.1:${ports.accept} accept-proxy`,
      `  http-request return status 200 content-type text/plain lf-string "${TOLD}"`,
    ],
  ];
  start(scene, install(scene, haproxy(scene.folder, sections.flat())));
}

async function openNginx(): Promise<void> {
  const config = scene.write(
    "nginx.conf",
    `
daemon off;
master_process off;
pid ${scene.path("nginx.pid")};
error_log stderr;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${scene.path(name)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${ports.nginx} proxy_protocol;
    return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";
  }
}
`,
  );
  start(scene, ["nginx", "-p", scene.folder, "-c", config], { env: { PATH } });
}

function listening(port: number): Promise<unknown> {
  const connects = () =>
    new Promise<boolean>((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1" });
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  return until(`a listener on port ${port}`, connects);
}

/** What a server says to a request behind our header. */
async function answer(port: number, claim: ProxyClaim): Promise<string> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.write(encodeProxyHeader(claim)!);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString().split("\r\n\r\n")[1] ?? "";
}

if (NEEDS.length > 0) leaveOut("PROXY headers between us and the programs that use them", NEEDS);
else {
  const backend = new Backend();

  beforeAll(async () => {
    await backend.open();
    await certificates();
    await openHaproxy(backend.port);
    await openNginx();
    await Promise.all(Object.values(ports).map(listening));
  });

  describe("HAProxy and curl write", () => {
    const connect = (to: { port: number } | { path: string }) => {
      const socket = createConnection("port" in to ? { ...to, host: "127.0.0.1" } : to);
      socket.on("error", () => {});
      socket.end("x");
      return new Promise<number | undefined>((resolve) => socket.on("connect", () => resolve(socket.localPort)));
    };
    const portOf = (address: ProxyHeader["source"]) => (address !== undefined && "port" in address ? address.port : 0);

    test.each([
      ["version 1", 1 as const, ports.v1],
      ["version 2", 2 as const, ports.v2],
    ])("%s", async (_, version, port) => {
      const from = await connect({ port });
      expect(await backend.header(({ source }) => portOf(source) === from)).toEqual({
        version,
        local: false,
        source: { ip: "127.0.0.1", port: from! },
        destination: { ip: "127.0.0.1", port },
      });
    });

    test("version 1, by curl", async () => {
      const curl = ["curl", "-sS", "--noproxy", "*", "--haproxy-protocol", `http://127.0.0.1:${backend.port}/`];
      expect(await run(curl)).toMatchObject({ status: 0, stderr: "" });
      const header = await backend.header(({ destination }) => portOf(destination) === backend.port);
      expect(header).toMatchObject({ version: 1, source: { ip: "127.0.0.1" }, destination: { ip: "127.0.0.1" } });
    });

    // Some versions of HAProxy tell paths, some say LOCAL.
    test("version 2 of a UNIX socket", async () => {
      await connect({ path: scene.path("haproxy.sock") });
      const header = await backend.header(({ source, version }) => version === 2 && portOf(source) === 0);
      expect(header.local || (header.source !== undefined && "path" in header.source)).toBe(true);
    });

    const openssl = (...args: string[]) => {
      backend.forget();
      const connecting = ["-connect", `127.0.0.1:${ports.tls}`, "-servername", "db.example", "-alpn", "postgresql"];
      return run(["openssl", "s_client", "-quiet", ...connecting, ...args], { cwd: scene.folder, stdin: "x\n" });
    };

    test("version 2 with all it knows of TLS and a checksum", async () => {
      await openssl("-tls1_3", "-cert", "ann.crt", "-key", "ann.key");
      expect(await backend.header(({ tls }) => tls !== undefined)).toMatchObject({
        source: { ip: "127.0.0.1" },
        destination: { ip: "127.0.0.1", port: ports.tls },
        authority: "db.example",
        protocolId: "postgresql",
        uniqueId: Uint8Array.from(Buffer.from("id-127.0.0.1")),
        tls: {
          active: true,
          onConnection: true,
          inSession: true,
          verified: true,
          version: "TLSv1.3",
          commonName: "ann é",
        },
      });
    });

    test("version 2 of a client without a certificate", async () => {
      await openssl("-tls1_2");
      const { tls } = await backend.header((header) => header.tls !== undefined);
      expect(tls).toEqual({ active: true, onConnection: false, inSession: false, verified: true, version: "TLSv1.2" });
    });
  });

  describe("they read", () => {
    const V4 = { source: { ip: "192.0.2.1", port: 56324 }, destination: { ip: "198.51.100.2", port: 443 } };
    const V6 = { source: { ip: "2001:db8::1", port: 1 }, destination: { ip: "2001:db8::2", port: 65535 } };
    const tls = {
      version: "TLSv1.3",
      protocolId: "h2",
      serverName: "db.example",
      peer: { commonName: "ann", certificate: new Uint8Array(700) },
    };

    test.each([
      ["conn over IPv4", { mode: "conn" as const, ...V4 }, "192.0.2.1 56324 198.51.100.2 443", ""],
      ["conn over IPv6", { mode: "conn" as const, ...V6 }, "2001:db8::1 1 2001:db8::2 65535", ""],
      ["tls", { mode: "tls" as const, ...V4, tls }, "192.0.2.1 56324 198.51.100.2 443", "db.example"],
      ["tls-full", { mode: "tls-full" as const, ...V6, tls }, "2001:db8::1 1 2001:db8::2 65535", "db.example"],
    ])("%s", async (_, claim, addresses, authority) => {
      expect(await answer(ports.accept, claim)).toBe(`${addresses} ${authority}`);
      expect(await answer(ports.nginx, claim)).toBe(addresses);
    });
  });
}
