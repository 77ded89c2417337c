/** Three TLS servers that are not ours: openssl's, Python's, and the runtime's own. Each counts what comes above TLS. */
import type { SecureVersion } from "node:tls";
import { countingTarget } from "./counting-target.ts";
import { start } from "./program.ts";
import type { PythonTls } from "./python-tls.ts";
import type { Scene } from "./scene.ts";
import type { Credential } from "./tls-clients.ts";

export interface TlsServer {
  port: number;
  /** That have arrived. */
  bytes(): Promise<number> | number;
}

/** One of the runtime's, which sends everything back. */
export async function runtimeServer(
  scene: Scene,
  { cert, key }: Credential,
  version: SecureVersion,
): Promise<TlsServer> {
  const identity = { cert: await Bun.file(cert).text(), key: await Bun.file(key).text() };
  const target = await countingTarget(scene, { ...identity, minVersion: version, maxVersion: version });
  return { port: target.port, bytes: () => target.bytes };
}

/** One of Python's, which sends everything back. */
export async function pythonServer(
  python: PythonTls,
  credential: Credential,
  version: SecureVersion,
): Promise<TlsServer> {
  const port = await python.serve(credential, version);
  return { port, bytes: () => python.count(port) };
}

const VERSION: Record<SecureVersion, string[]> = {
  TLSv1: ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
  "TLSv1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
  "TLSv1.2": ["-tls1_2"],
  "TLSv1.3": ["-tls1_3"],
};

/** `openssl s_server`, which prints what it gets; without a credential its ciphers are anonymous. `word` is what is counted. */
export async function opensslServer(
  scene: Scene,
  credential: Credential | undefined,
  version: SecureVersion,
  word: string,
): Promise<TlsServer> {
  const identity =
    credential === undefined
      ? ["-nocert", "-cipher", "aNULL:@SECLEVEL=0"]
      : ["-cert", credential.cert, "-key", credential.key, "-cert_chain", credential.cert];
  const flags = [...VERSION[version], ...identity];
  const program = start(scene, ["openssl", "s_server", "-accept", "127.0.0.1:0", ...flags], { feed: true });
  const [, port] = await program.output("stdout", /^ACCEPT 127\.0\.0\.1:(\d+)$/m);
  return { port: Number(port), bytes: () => (program.stdout.split(word).length - 1) * word.length };
}
