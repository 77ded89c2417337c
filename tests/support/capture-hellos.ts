/** Writes tests/conformance/client-hellos.json: what real programs send first when they begin TLS. Run by hand; asserts nothing. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface CapturedHello {
  /** The program, its version, and what it was told. */
  source: string;
  serverName?: string;
  /** Without GREASE. */
  protocolIds?: string[];
  /** All that it sent before an answer. */
  hex: string;
}

type Expected = Pick<CapturedHello, "serverName" | "protocolIds">;

const FILE = resolve(import.meta.dir, "../conformance/client-hellos.json");
const folder = mkdtempSync(join(tmpdir(), "portail-hellos-"));

function text(command: string[]): string {
  const { stdout, stderr } = Bun.spawnSync(command);
  return `${stdout.toString()}${stderr.toString()}`.split("\n")[0]!.trim();
}

/** Runs a program against a server that is silent until nothing has come for a while. */
async function capture(
  source: string,
  command: (port: number) => string[],
  expected: Expected,
): Promise<CapturedHello> {
  const taken = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    let quiet: ReturnType<typeof setTimeout> | undefined;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        // A browser has connections of its own, too.
        const bytes = Buffer.concat(chunks);
        if (bytes[0] === 0x16) taken.resolve(bytes);
      }, 300);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const child = Bun.spawn(command(port), { stdin: "pipe", stdout: "ignore", stderr: "ignore" });
  const hello = await taken.promise;
  server.close();
  child.kill();
  await child.exited;
  return { source, ...expected, hex: hello.toString("hex") };
}

function goClient(name: string, fields: string): string {
  const path = join(folder, `${name}.go`);
  writeFileSync(
    path,
    `package main
import ("crypto/tls"; "os")
func main() { tls.Dial("tcp", "127.0.0.1:"+os.Args[1], &tls.Config{${fields}}) }
`,
  );
  const built = Bun.spawnSync(["go", "build", "-o", join(folder, name), path], {
    env: { ...process.env, GOFLAGS: "" },
  });
  if (!built.success) throw new Error(built.stderr.toString());
  return join(folder, name);
}

const openssl = text(["openssl", "version"]);
const curl = text(["curl", "--version"]).split(" (")[0]!;
const go = text(["go", "version"]).replace("go version ", "Go ");
const node = `Node ${text(["node", "--version"])}`;
const python = text([
  "python3",
  "-c",
  "import sys,ssl;print('Python',sys.version.split()[0],'with',ssl.OPENSSL_VERSION)",
]);
const pythonClient = (rest: string) => (port: number) => [
  "python3",
  "-c",
  `import socket,ssl
c=ssl._create_unverified_context()
${rest.replace("PORT", String(port))}`,
];
const ids = ["teleport-postgres", "h2", "http/1.1"];

const hellos = [
  await capture(
    `${openssl}: s_client -servername a.example -alpn h2,http/1.1`,
    (port) => [
      "openssl",
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-servername",
      "a.example",
      "-alpn",
      "h2,http/1.1",
    ],
    { serverName: "a.example", protocolIds: ["h2", "http/1.1"] },
  ),
  await capture(
    `${openssl}: s_client -noservername`,
    (port) => ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-noservername"],
    {},
  ),
  await capture(
    `${openssl}: s_client -tls1_2 -servername A.Example`,
    (port) => ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-tls1_2", "-servername", "A.Example"],
    { serverName: "a.example" },
  ),
  await capture(
    `${curl}: https://b.example`,
    (port) => ["curl", "-sk", "--connect-to", `b.example:443:127.0.0.1:${port}`, "https://b.example/"],
    { serverName: "b.example", protocolIds: ["h2", "http/1.1"] },
  ),
  await capture(
    `${curl}: --http1.1 https://127.0.0.1`,
    (port) => ["curl", "-sk", "--http1.1", `https://127.0.0.1:${port}/`],
    { protocolIds: ["http/1.1"] },
  ),
  await capture(
    `${go} crypto/tls: X25519MLKEM768, three protocol ids`,
    (port) => [
      goClient(
        "plain",
        `ServerName:"db.go.example",InsecureSkipVerify:true,NextProtos:[]string{"teleport-postgres","h2","http/1.1"}`,
      ),
      String(port),
    ],
    { serverName: "db.go.example", protocolIds: ids },
  ),
  await capture(
    `${go} crypto/tls: no server name`,
    (port) => [goClient("nameless", `InsecureSkipVerify:true`), String(port)],
    {},
  ),
  await capture(
    `Bun ${Bun.version} node:tls`,
    (port) => [
      process.execPath,
      "-e",
      `require("tls").connect({port:${port},host:"127.0.0.1",servername:"bun.example",ALPNProtocols:["h2","postgresql"]}).on("error",()=>{})`,
    ],
    { serverName: "bun.example", protocolIds: ["h2", "postgresql"] },
  ),
  await capture(
    `${node} node:tls`,
    (port) => [
      "node",
      "-e",
      `require("tls").connect({port:${port},host:"127.0.0.1",servername:"node.example",ALPNProtocols:["x"]}).on("error",()=>{})`,
    ],
    { serverName: "node.example", protocolIds: ["x"] },
  ),
  await capture(
    python,
    pythonClient(
      `c.set_alpn_protocols(["teleport-auth@leaf"]);c.wrap_socket(socket.create_connection(("127.0.0.1",PORT)),server_hostname="py.example")`,
    ),
    { serverName: "py.example", protocolIds: ["teleport-auth@leaf"] },
  ),
  await capture(
    `${text(["chromium", "--version"])}: GREASE, encrypted hello`,
    (port) => [
      "chromium",
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      `--user-data-dir=${join(folder, "chromium")}`,
      `--host-resolver-rules=MAP grease.example 127.0.0.1:${port}`,
      "--dump-dom",
      "https://grease.example/",
    ],
    { serverName: "grease.example", protocolIds: ["h2", "http/1.1"] },
  ),
];

writeFileSync(FILE, `${JSON.stringify(hellos, undefined, 2)}\n`);
rmSync(folder, { recursive: true, force: true });
for (const { source, hex } of hellos) process.stdout.write(`${hex.length / 2} ${source}\n`);
process.exit(0);
