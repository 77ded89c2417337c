/** A real sshd on a port of 127.0.0.1, with keys of its own, that lets in the user who runs the tests. */
import { mkdirSync } from "node:fs";
import { PATH, run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { freePort } from "./free-port.ts";

export interface Sshd {
  port: number;
  user: string;
  /** The client's flags: its key, the known host key, no other file, no question. */
  flags: string[];
  /** The same as a configuration file, for any host of that name. */
  config: string;
  /** Its process, under which there is one for each connection. */
  pid: number;
}

/** Where sshd, started as root, insists to find an empty folder. */
const PRIVILEGE_SEPARATION = "/run/sshd";

/** `more` are settings of sshd_config. */
export async function openSshd(scene: Scene, more: Record<string, string> = {}): Promise<Sshd> {
  const port = freePort();
  const host = await makeKey(scene, `host_key-${port}`);
  const client = await makeKey(scene, `client_key-${port}`);
  const authorized = scene.write(`authorized_keys-${port}`, await Bun.file(`${client}.pub`).text(), 0o600);
  const known = scene.write(`known_hosts-${port}`, `* ${await Bun.file(`${host}.pub`).text()}`);
  const config = scene.write(`sshd_config-${port}`, lines({ port, host, authorized }, more));
  // It stays: another process of the tests may have an sshd of its own by then.
  if (process.getuid?.() === 0) mkdirSync(PRIVILEGE_SEPARATION, { mode: 0o755, recursive: true });
  // sshd starts itself anew by its absolute path.
  const sshd = start(scene, [Bun.which("sshd", { PATH })!, "-D", "-e", "-f", config]);
  await sshd.output("stderr", /Server listening on 127\.0\.0\.1/);
  const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`, "IdentitiesOnly=yes"];
  const flags = ["-F", "none", "-i", client, "-p", String(port), ...options.flatMap((option) => ["-o", option])];
  const user = (await run(["id", "-un"])).stdout.trim();
  const settings = [...options, "HostName=127.0.0.1", `Port=${port}`, `User=${user}`, `IdentityFile=${client}`];
  const clientConfig = scene.write(`ssh_config-${port}`, settings.map((setting) => `${setting}\n`).join(""));
  return { port, user, flags, config: clientConfig, pid: sshd.pid };
}

async function makeKey(scene: Scene, name: string): Promise<string> {
  const path = scene.path(name);
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
  return path;
}

function lines(
  { port, host, authorized }: { port: number; host: string; authorized: string },
  more: Record<string, string>,
): string {
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
    ...more,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}
