/** Real MariaDB and PostgreSQL servers on data of their own, for the time of a scenario. Asserts nothing. */
import { chmodSync, chownSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import type { OwnNetwork } from "./own-network.ts";
import type { Certified } from "./pki.ts";
import { run } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Milliseconds for making the first data. */
const PATIENCE = 60_000;

/** MariaDB on localhost:3306 of `net`, with a user `app` that has the password `secret` and the empty databases `app` and `copy`. */
export async function startMariaDb(scene: Scene, net: OwnNetwork): Promise<void> {
  const data = scene.mkdir("mariadb");
  const socket = `${data}/socket`;
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const install = ["mariadb-install-db", "--no-defaults", `--datadir=${data}/data`, "--skip-test-db", ...user];
  await succeed([...install, "--auth-root-authentication-method=normal"]);
  const server = ["mariadbd", "--no-defaults", `--datadir=${data}/data`, `--socket=${socket}`, ...user];
  net.start(scene, [...server, "--port=3306", "--bind-address=127.0.0.1", "--max-allowed-packet=64M"]);
  await until("MariaDB's socket", () => (existsSync(socket) ? true : undefined));
  const statements =
    "CREATE DATABASE app; CREATE DATABASE copy; CREATE USER app@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'%';";
  await succeed(["mariadb", "--no-defaults", "--user=root", `--socket=${socket}`, "-e", statements]);
}

/**
 * PostgreSQL on localhost of `net`, at `port`, for a user `app` without a password and the empty databases `app` and
 * `copy`; with `identity` it speaks TLS to those who ask.
 */
export async function startPostgres(scene: Scene, net: OwnNetwork, port: number, identity?: Certified): Promise<void> {
  const folder = scene.mkdir(`postgres-${port}`);
  const data = `${folder}/data`;
  // The server is another user, who must get there.
  chmodSync(scene.folder, 0o711);
  const as = asPostgres(folder);
  await succeed([...as, `${postgresBin()}/initdb`, "--auth=trust", "--username=app", `--pgdata=${data}`]);
  const settings = { port, listen_addresses: "127.0.0.1", unix_socket_directories: folder, fsync: "off" };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  net.start(scene, [...as, `${postgresBin()}/postgres`, "-D", data, ...flags, ...tlsFlags(folder, identity)]);
  const socket = `${folder}/.s.PGSQL.${port}`;
  await until("PostgreSQL's socket", () => (existsSync(socket) ? true : undefined));
  await until("PostgreSQL to answer", async () => {
    const made = await run(["createdb", "-h", folder, "-p", String(port), "-U", "app", "app"]);
    return made.status === 0 || made.stderr.includes("already exists") ? true : undefined;
  });
  await succeed(["createdb", "-h", folder, "-p", String(port), "-U", "app", "copy"]);
}

/** Certificate and key must be the server's own, the key for nobody else. */
function tlsFlags(folder: string, identity: Certified | undefined): string[] {
  if (identity === undefined) return [];
  const { uid, gid } = statSync(folder);
  const files = { ssl_cert_file: `${folder}/cert.pem`, ssl_key_file: `${folder}/key.pem` };
  writeFileSync(files.ssl_cert_file, identity.chain, { mode: 0o644 });
  writeFileSync(files.ssl_key_file, identity.key, { mode: 0o600 });
  for (const path of Object.values(files)) chownSync(path, uid, gid);
  return ["-c", "ssl=on", ...Object.entries(files).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** PostgreSQL does not run as root: there it gets the user that its package made. */
function asPostgres(folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const ids = Bun.spawnSync(["id", "-u", "postgres"]).stdout.toString().trim();
  chmodSync(folder, 0o755);
  chownSync(folder, Number(ids), Number(ids));
  return ["setpriv", `--reuid=${ids}`, "--clear-groups", "--"];
}

/** Debian puts each version in a folder of its own, outside of PATH. */
function postgresBin(): string {
  const versions = readdirSync("/usr/lib/postgresql").toSorted((a, b) => Number(a) - Number(b));
  return `/usr/lib/postgresql/${versions.at(-1)}/bin`;
}

async function succeed(command: readonly string[]): Promise<void> {
  const { status, stderr, stdout } = await run(command, { patience: PATIENCE });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
}
