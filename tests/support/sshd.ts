/** A real sshd on a port of 127.0.0.1, with keys of its own, that lets in the user who runs the tests. */
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { PATH, run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { freePort } from "./web.ts";

export interface Sshd {
  port: number;
  user: string;
  /** The client's flags: its key, the known host key, no other file, no question. */
  flags: string[];
}

/** Where sshd, started as root, insists to find an empty folder. */
const PRIVILEGE_SEPARATION = "/run/sshd";

export async function openSshd(scene: Scene): Promise<Sshd> {
  const host = await makeKey(scene, "host_key");
  const client = await makeKey(scene, "client_key");
  const authorized = scene.write("authorized_keys", await Bun.file(`${client}.pub`).text(), 0o600);
  const port = freePort();
  const known = scene.write("known_hosts", `* ${await Bun.file(`${host}.pub`).text()}`);
  const config = scene.write("sshd_config", lines({ port, host, authorized }));
  if (process.getuid?.() === 0 && !existsSync(PRIVILEGE_SEPARATION)) {
    mkdirSync(PRIVILEGE_SEPARATION, { mode: 0o755 });
    scene.defer(() => rmdirSync(PRIVILEGE_SEPARATION));
  }
  // sshd starts itself anew by its absolute path.
  const sshd = start(scene, [Bun.which("sshd", { PATH })!, "-D", "-e", "-f", config]);
  await sshd.output("stderr", /Server listening on 127\.0\.0\.1/);
  const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`, "IdentitiesOnly=yes"];
  const flags = ["-F", "none", "-i", client, "-p", String(port), ...options.flatMap((option) => ["-o", option])];
  const user = (await run(["id", "-un"])).stdout.trim();
  return { port, user, flags };
}

async function makeKey(scene: Scene, name: string): Promise<string> {
  const path = scene.path(name);
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
  return path;
}

function lines({ port, host, authorized }: { port: number; host: string; authorized: string }): string {
  const settings = {
    ListenAddress: "127.0.0.1",
    Port: port,
    HostKey: host,
    AuthorizedKeysFile: authorized,
    AuthenticationMethods: "publickey",
    PermitRootLogin: "prohibit-password",
    StrictModes: "no",
    UsePAM: "no",
    PidFile: "none",
    UseDNS: "no",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}
