/** What `tunnel server` tells its target in PROXY v2 headers: byte for byte, and as HAProxy, nginx and a library in Go read it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { next } from "../support/bulk.ts";
import { FarEnd } from "../support/far-end.ts";
import { needing } from "../support/needs.ts";
import { haproxy, install } from "../support/peer-programs.ts";
import { authority, save } from "../support/pki.ts";
import { FORMS, Portail } from "../support/portail.ts";
import { PATH, start } from "../support/program.ts";
import { askLibrary } from "../support/proxy-library.ts";
import { Scene } from "../support/scene.ts";
import { tunnelConfig, type RunningTunnel, type Table } from "../support/tunnel-scene.ts";
import { until } from "../support/until.ts";
import { freePort } from "../support/free-port.ts";

setDefaultTimeout(300_000);

const MODES = ["conn", "tls", "tls-full"] as const;
const FAMILIES = ["tcp4", "tcp6", "unix"] as const;
type Mode = (typeof MODES)[number];
type Family = (typeof FAMILIES)[number];
type Version = "TLSv1.2" | "TLSv1.3";

const ann = authority().issue({ cn: "ann é" });
const WORD = "first application byte";
const INBOUND = "PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n";

/** The layout of the header, written down once more from the specification. */
const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const FAMILY = { tcp4: 0x11, tcp6: 0x21, unix: 0x31 };
const uint16 = (value: number) => Buffer.of(value >> 8, value & 255);
const field = (type: number, ...value: Buffer[]) => {
  const bytes = Buffer.concat(value);
  return Buffer.concat([Buffer.of(type), uint16(bytes.length), bytes]);
};
const LOOPBACK = { tcp4: Buffer.of(127, 0, 0, 1), tcp6: Buffer.of(...Array.from({ length: 15 }, () => 0), 1) };

function header(family: Family, addresses: Buffer, ...fields: Buffer[]): Buffer {
  const rest = Buffer.concat([addresses, ...fields]);
  return Buffer.concat([SIGNATURE, Buffer.of(0x21, FAMILY[family]), uint16(rest.length), rest]);
}

function fieldsOf(mode: Mode, version: Version, certificate: boolean): Buffer[] {
  if (mode === "conn") return [];
  const given = mode === "tls-full" && certificate;
  const tls = [Buffer.of(given ? 0x07 : 0x01, 0, 0, 0, 0), field(0x21, Buffer.from(version.replace("TLSv", "TLS ")))];
  if (given) tls.push(field(0x22, Buffer.from("ann é")), field(0x28, Buffer.from(ann.der)));
  return [field(0x01, Buffer.from("postgresql")), field(0x02, Buffer.from("localhost")), field(0x20, ...tls)];
}

const scene = new Scene();
afterAll(() => scene.close());
const socketPath = scene.path("tunnel.sock");
/** What nginx reads of a header is bounded, in streams by less than a certificate. */
const ports = { haproxy: freePort(), nginx: freePort(), "nginx-http": freePort() };
let far: FarEnd;
let server: RunningTunnel;
const tunnels: Record<string, Table> = {};

const LISTEN = { tcp4: "127.0.0.1:0", tcp6: "[::1]:0", unix: `unix:${socketPath}` };

async function openTunnels(): Promise<void> {
  far = await FarEnd.open(scene);
  const add = (name: string, family: Family, mode: Mode, target: string, more: Table = { "allow-all": true }) => {
    const listen = family === "unix" ? `${LISTEN.unix}-${name}` : LISTEN[family];
    tunnels[name] = { listen: [listen], target: [target], alpn: ["postgresql"], "proxy-protocol-mode": mode, ...more };
  };
  for (const family of FAMILIES) {
    for (const mode of MODES) {
      add(`${family} ${mode}`, family, mode, far.text);
      for (const [parser, port] of Object.entries(ports)) {
        if (family !== "unix") add(`${family} ${mode} ${parser}`, family, mode, `127.0.0.1:${port}`);
      }
    }
  }
  add("nobody", "tcp4", "tls-full", far.text, { "disable-authentication": true });
  add("behind", "tcp4", "tls-full", far.text, { "allow-all": true, "accept-proxy-from": ["127.0.0.1"] });
  const ca = authority();
  const config = scene.write("tunnels.toml", tunnelConfig({}, tunnels));
  const { keystore } = save(scene, "server", ca.issue());
  const args = ["--keystore", keystore, "--cacert", scene.write("ca.pem", ca.cert), "--config", config];
  server = await new Portail(FORMS[0]!, scene).tunnel({ side: "server", args });
}

const TOLD_BY_NGINX = ["addr", "port", "server_addr", "server_port"].map((name) => `$proxy_protocol_${name}`).join(" ");

/** HAProxy and nginx answer with what the header told them. */
async function openParsers(): Promise<void> {
  const told = "%[src] %[src_port] %[dst] %[dst_port]";
  const accept = [
    "frontend accept",
    `  bind 127.0.0.1:${ports.haproxy} accept-proxy`,
    `  http-request return status 200 content-type text/plain lf-string "${told} %[fc_pp_authority]"`,
  ];
  const nginx = scene.write(
    "nginx.conf",
    `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid ${scene.path("nginx.pid")};
error_log stderr;
events {}
stream {
  server {
    listen 127.0.0.1:${ports.nginx} proxy_protocol;
    return "${TOLD_BY_NGINX}";
  }
}
http {
  access_log off;
  client_header_buffer_size 8k;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${scene.path(name)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${ports["nginx-http"]} proxy_protocol;
    return 200 "${TOLD_BY_NGINX}";
  }
}
`,
  );
  start(scene, install(scene, haproxy(scene.folder, accept, { mode: "http" })));
  start(scene, ["nginx", "-p", scene.folder, "-c", nginx], { env: { PATH } });
  await Promise.all(Object.values(ports).map(listening));
}

function listening(port: number): Promise<unknown> {
  const connects = () =>
    new Promise<boolean>((resolve) => {
      const socket = connectTcp({ port, host: "127.0.0.1" });
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  return until(`a listener on port ${port}`, connects);
}

interface Client {
  /** Kept, since a closed socket no longer knows. */
  localPort: number | undefined;
  remotePort: number | undefined;
  /** What came back up to the end. */
  answer: Promise<string>;
}

/** Connects to a tunnel and sends `text` at once; `prefix` goes ahead of TLS. */
async function connect(name: string, version: Version, text: string, prefix = "", certificate = true): Promise<Client> {
  const place = server.listen[Object.keys(tunnels).indexOf(name)]!;
  const [, host, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(place) ?? [];
  const below = connectTcp(port === undefined ? { path: place.slice("unix:".length) } : { host: host!, port: +port });
  below.write(prefix);
  const tls = connectTls({
    socket: below,
    ...(certificate && { cert: ann.cert, key: ann.key }),
    ca: authority().cert,
    servername: "localhost",
    rejectUnauthorized: true,
    ALPNProtocols: ["postgresql"],
    minVersion: version,
    maxVersion: version,
  });
  scene.defer(() => tls.destroy());
  let back = "";
  const answer = new Promise<string>((resolve) => {
    tls.on("data", (chunk: Buffer) => (back += String(chunk)));
    tls.on("end", () => resolve(back)).on("error", () => resolve(back));
  });
  tls.write(text);
  await new Promise((resolve, reject) => tls.once("secureConnect", resolve).once("error", reject));
  const { localPort, remotePort } = below;
  return { localPort, remotePort, answer };
}

/** All bytes of the next connection at the target, up to the word. */
async function arrived(): Promise<Buffer> {
  const socket = await far.next();
  let bytes = Buffer.alloc(0);
  while (!bytes.includes(WORD)) bytes = Buffer.concat([bytes, await next(socket)]);
  socket.destroy();
  return bytes;
}

/** The addresses of a header about the connection of a client. */
function addressesOf(family: Family, name: string, { localPort, remotePort }: Client): Buffer {
  if (family !== "unix")
    return Buffer.concat([LOOPBACK[family], LOOPBACK[family], uint16(localPort!), uint16(remotePort!)]);
  const paths = Buffer.alloc(216);
  // The client's socket has no name.
  paths.write(`${socketPath}-${name}`, 108);
  return paths;
}

const withWord = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(WORD)]).toString("hex");

needing("PROXY v2 headers of a tunnel", ["haproxy", "nginx", "nginx:ngx_stream_module.so", "go"], () => {
  beforeAll(async () => {
    await openTunnels();
    await openParsers();
  });

  const CASES = FAMILIES.flatMap((family) =>
    MODES.flatMap((mode) => (["TLSv1.2", "TLSv1.3"] as const).map((version) => [family, mode, version] as const)),
  );
  test.each(CASES)(
    "%s, %s, %s: the bytes, once, ahead of the first of the application",
    async (family, mode, version) => {
      const name = `${family} ${mode}`;
      const client = await connect(name, version, WORD);
      const addresses = addressesOf(family, name, client);
      const bytes = await arrived();
      expect(bytes.toString("hex")).toBe(withWord(header(family, addresses, ...fieldsOf(mode, version, true))));

      const [read] = await askLibrary([{ hex: bytes.toString("hex") }]);
      const endpoint = (port: number) => (family === "tcp4" ? `127.0.0.1:${port}` : `[::1]:${port}`);
      const [source, destination] =
        family === "unix" ? ["", `${socketPath}-${name}`] : [endpoint(client.localPort!), endpoint(client.remotePort!)];
      const full = mode === "tls-full";
      expect(read).toMatchObject({
        version: 2,
        transport: FAMILY[family],
        ...(source !== "" && { source }),
        destination,
        rest: Buffer.from(WORD).toString("hex"),
        ...(mode !== "conn" && {
          tls: {
            active: true,
            onConnection: full,
            inSession: full,
            verified: true,
            version: version.replace("TLSv", "TLS "),
            commonName: full ? "ann é" : "",
          },
        }),
      });
      expect(read!.fields?.map(({ type }) => type) ?? []).toEqual(mode === "conn" ? [] : [0x01, 0x02, 0x20]);
    },
  );

  test("a client without a certificate is said to have none", async () => {
    const client = await connect("nobody", "TLSv1.3", WORD, "", false);
    const expected = header("tcp4", addressesOf("tcp4", "nobody", client), ...fieldsOf("tls-full", "TLSv1.3", false));
    expect((await arrived()).toString("hex")).toBe(withWord(expected));
  });

  test("a client that comes behind a PROXY header is the one that the header names", async () => {
    await connect("behind", "TLSv1.3", WORD, INBOUND);
    const ip = (last: number) => Buffer.from(`20010db8${"0".repeat(22)}0${last}`, "hex");
    const addresses = Buffer.concat([ip(1), ip(2), uint16(1111), uint16(2222)]);
    const expected = header("tcp6", addresses, ...fieldsOf("tls-full", "TLSv1.3", true));
    expect((await arrived()).toString("hex")).toBe(withWord(expected));
  });

  const PARSED = (["tcp4", "tcp6"] as const).flatMap((family) => MODES.map((mode) => [family, mode] as const));
  test.each(PARSED)("%s, %s: HAProxy and nginx read the addresses", async (family, mode) => {
    const ip = family === "tcp4" ? "127.0.0.1" : "::1";
    const told = ({ localPort, remotePort }: Client) => `${ip} ${localPort} ${ip} ${remotePort}`;
    const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const body = async ({ answer }: Client) => (await answer).split("\r\n\r\n")[1];
    const byHaproxy = await connect(`${family} ${mode} haproxy`, "TLSv1.3", request);
    expect(await body(byHaproxy)).toBe(`${told(byHaproxy)} ${mode === "conn" ? "" : "localhost"}`);
    const byNginx = await connect(`${family} ${mode} nginx-http`, "TLSv1.3", request);
    expect(await body(byNginx)).toBe(told(byNginx));
    if (mode === "tls-full") return;
    const byStream = await connect(`${family} ${mode} nginx`, "TLSv1.3", "");
    expect(await byStream.answer).toBe(told(byStream));
  });
});
