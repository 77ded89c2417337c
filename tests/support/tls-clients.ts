/** Three TLS clients that are not ours: openssl's, Python's, and the runtime's own. Each sends a word and says what came back. */
import { existsSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type SecureVersion } from "node:tls";
import { PATH } from "./program.ts";
import type { PythonTls } from "./python-tls.ts";

/** Paths, as `save` of pki.ts gives them. */
export interface Credential {
  cert: string;
  key: string;
}

export interface Attempt {
  port: number;
  version: SecureVersion;
  /** None is presented without it. */
  credential?: Credential | undefined;
  /** Goes ahead of TLS. */
  prefix?: Uint8Array | undefined;
  send: string;
  /** A path: the session that was kept there is offered, and replaced by what the server gives. */
  keep?: string | undefined;
}

/** Sends as soon as its handshake lets it, without waiting for the server's verdict; resolves with what came back. */
export type TlsClient = (attempt: Attempt) => Promise<string>;

export function tlsClients(python: PythonTls): Record<"openssl" | "python" | "runtime", TlsClient> {
  return { openssl: byOpenssl, python: async (attempt) => (await python.connect(attempt)).got, runtime: byRuntime };
}

const OPENSSL_VERSION: Record<SecureVersion, string[]> = {
  TLSv1: ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
  "TLSv1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
  "TLSv1.2": ["-tls1_2"],
  "TLSv1.3": ["-tls1_3"],
};

async function byOpenssl({ port, version, credential, prefix, send, keep }: Attempt): Promise<string> {
  if (prefix !== undefined) throw new Error("openssl s_client sends nothing ahead of TLS");
  const identity = credential === undefined ? [] : ["-cert", credential.cert, "-key", credential.key];
  // The whole file, so that intermediates go along.
  const chain = credential === undefined ? [] : ["-cert_chain", credential.cert];
  const file = keep === undefined ? [] : ["-sess_out", keep, ...(existsSync(keep) ? ["-sess_in", keep] : [])];
  const where = ["-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-quiet"];
  const child = Bun.spawn(
    ["openssl", "s_client", ...where, ...OPENSSL_VERSION[version], ...identity, ...chain, ...file],
    {
      env: { PATH, LC_ALL: "C.UTF-8" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    },
  );
  child.stdin.write(send);
  await child.stdin.flush();
  let got = "";
  for await (const chunk of child.stdout) {
    got += Buffer.from(chunk).toString("latin1");
    if (got.length >= send.length) break;
  }
  child.kill();
  await child.exited;
  return got;
}

const sessions = new Map<string, Buffer>();

async function byRuntime({ port, version, credential, prefix, send, keep }: Attempt): Promise<string> {
  const identity =
    credential === undefined
      ? {}
      : { cert: await Bun.file(credential.cert).text(), key: await Bun.file(credential.key).text() };
  const below = connectTcp(port, "127.0.0.1");
  if (prefix !== undefined) below.write(prefix);
  return new Promise((resolve) => {
    let got = "";
    const socket = connectTls({
      socket: below,
      servername: "localhost",
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ...identity,
      session: keep === undefined ? undefined : sessions.get(keep),
    });
    if (keep !== undefined) socket.on("session", (session: Buffer) => sessions.set(keep, session));
    below.on("error", () => {});
    socket.on("error", () => {});
    socket.on("secureConnect", () => socket.write(send));
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1");
      if (got.length >= send.length) socket.end();
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(got));
    below.on("close", () => resolve(got));
  });
}
