/** A real MariaDB server on data of its own, for the time of a scenario. Asserts nothing. */
import { existsSync } from "node:fs";
import { freePort } from "./free-port.ts";
import { run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Milliseconds for making the first data. */
const PATIENCE = 60_000;

/** Where it listens. `prefix` stands before its command line (own-network.ts). */
export interface MariaDbPlace {
  port: number;
  prefix: readonly string[];
}

/** With a user `app` that has the password `secret`, and the empty databases `app` and `copy`. Resolves to its port of 127.0.0.1. */
export async function startMariaDb(
  scene: Scene,
  { port, prefix }: MariaDbPlace = { port: freePort(), prefix: [] },
): Promise<number> {
  const data = scene.mkdir("mariadb");
  const socket = `${data}/socket`;
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const install = ["mariadb-install-db", "--no-defaults", `--datadir=${data}/data`, "--skip-test-db", ...user];
  await succeed([...install, "--auth-root-authentication-method=normal"]);
  const server = ["mariadbd", "--no-defaults", `--datadir=${data}/data`, `--socket=${socket}`, ...user];
  const listen = [`--port=${port}`, "--bind-address=127.0.0.1", "--max-allowed-packet=64M"];
  start(scene, [...prefix, ...server, ...listen]);
  await until("MariaDB's socket", () => (existsSync(socket) ? true : undefined));
  const statements =
    "CREATE DATABASE app; CREATE DATABASE copy; CREATE USER app@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'%';";
  await succeed(["mariadb", "--no-defaults", "--user=root", `--socket=${socket}`, "-e", statements]);
  return port;
}

async function succeed(command: readonly string[]): Promise<void> {
  const { status, stderr, stdout } = await run(command, { patience: PATIENCE });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
}
