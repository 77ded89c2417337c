/** A real MariaDB server on data of its own, for the time of a scenario. Asserts nothing. */
import { existsSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Milliseconds for making the first data. */
const PATIENCE = 60_000;

/** What starts programs, in a network of its own or in that of this machine. */
interface Starter {
  start(scene: Scene, argv: string[]): unknown;
}

/** As `startMariaDb`, on a port of this machine, which is returned. */
export async function openMariaDb(scene: Scene): Promise<number> {
  const port = freePort();
  await startMariaDb(scene, { start }, port);
  return port;
}

/** MariaDB on localhost:3306 of `net`, with a user `app` that has the password `secret` and the empty databases `app` and `copy`. */
export async function startMariaDb(scene: Scene, net: Starter, port = 3306): Promise<void> {
  const data = scene.mkdir("mariadb");
  const socket = `${data}/socket`;
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const install = ["mariadb-install-db", "--no-defaults", `--datadir=${data}/data`, "--skip-test-db", ...user];
  await succeed([...install, "--auth-root-authentication-method=normal"]);
  const server = ["mariadbd", "--no-defaults", `--datadir=${data}/data`, `--socket=${socket}`, ...user];
  net.start(scene, [...server, `--port=${port}`, "--bind-address=127.0.0.1", "--max-allowed-packet=64M"]);
  await until("MariaDB's socket", () => (existsSync(socket) ? true : undefined));
  const statements =
    "CREATE DATABASE app; CREATE DATABASE copy; CREATE USER app@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'%';";
  await succeed(["mariadb", "--no-defaults", "--user=root", `--socket=${socket}`, "-e", statements]);
}

async function succeed(command: readonly string[]): Promise<void> {
  const { status, stderr, stdout } = await run(command, { patience: PATIENCE });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
}
