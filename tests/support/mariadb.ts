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
  /** Default 127.0.0.1. */
  address?: string;
}

interface MariaDbOptions {
  /** Files in PEM: it offers TLS then. */
  tls?: { cert: string; key: string; clientCa: string };
  /** Statements that it begins with. */
  more?: string;
}

/** With a user `app` that has the password `secret`, and the empty databases `app` and `copy`. Resolves to its port. */
export async function startMariaDb(
  scene: Scene,
  { port, prefix, address = "127.0.0.1" }: MariaDbPlace = { port: freePort(), prefix: [] },
  { tls, more = "" }: MariaDbOptions = {},
): Promise<number> {
  const data = scene.mkdir("mariadb");
  const socket = `${data}/socket`;
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const install = ["mariadb-install-db", "--no-defaults", `--datadir=${data}/data`, "--skip-test-db", ...user];
  await succeed([...install, "--auth-root-authentication-method=normal"]);
  const server = ["mariadbd", "--no-defaults", `--datadir=${data}/data`, `--socket=${socket}`, ...user];
  const secured =
    tls === undefined ? [] : [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`, `--ssl-ca=${tls.clientCa}`];
  const listen = [`--port=${port}`, `--bind-address=${address}`, "--max-allowed-packet=64M"];
  start(scene, [...prefix, ...server, ...listen, ...secured]);
  await until("MariaDB's socket", () => (existsSync(socket) ? true : undefined));
  const statements =
    "CREATE DATABASE app; CREATE DATABASE copy; CREATE USER app@'%' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'%';";
  await succeed(["mariadb", "--no-defaults", "--user=root", `--socket=${socket}`, "-e", `${statements}${more}`]);
  return port;
}

async function succeed(command: readonly string[]): Promise<void> {
  const { status, stderr, stdout } = await run(command, { patience: PATIENCE });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
}
