/** A real PostgreSQL server on a port of 127.0.0.1, with a superuser `ann` whom it asks for nothing. Asserts nothing. */
import { chmodSync, chownSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, start } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";
import { freePort } from "./free-port.ts";

export interface Postgres {
  port: number;
  /** The folder of its UNIX socket. */
  socket: string;
  /** `psql` on it and on others like it; `settings` are those of a connection string. */
  psql(settings: string, ...args: string[]): ReturnType<typeof run>;
}

/** Debian keeps the programs of each version apart, and off PATH. */
const VERSIONS = "/usr/lib/postgresql";
/** initdb refuses root. */
const USER = "postgres";

/** Where it listens: default a free port of this machine. `prefix` stands before command lines (own-network.ts). */
export interface PostgresPlace {
  port: number;
  prefix: readonly string[];
  /** Default 127.0.0.1. */
  address?: string;
  /** The folder of initdb and postgres; default Debian's newest. */
  programs?: string;
}

/** Files in PEM. With `clientCa`, who comes by TCP must have a certificate whose common name is the user, and TLS. */
export interface PostgresTls {
  cert: string;
  key: string;
  clientCa?: string;
}

/** Without `ssl` it grants no TLS. */
export async function openPostgres(
  scene: Scene,
  ssl?: PostgresTls,
  { port, prefix, address = "127.0.0.1", programs = debianPrograms() }: PostgresPlace = {
    port: freePort(),
    prefix: [],
  },
): Promise<Postgres> {
  const program = (name: string) => join(programs, name);
  const folder = scene.mkdir(`postgres-${port}`);
  const data = join(folder, "data");
  const as = await asUser(scene, folder);
  const made = await run([...as, program("initdb"), "-D", data, "-A", "trust", "-U", "ann", "--no-sync"]);
  if (made.status !== 0) throw new Error(made.stderr);
  const settings = [
    `listen_addresses=${address}`,
    `unix_socket_directories=${folder}`,
    "fsync=off",
    ...(ssl
      ? [
          "ssl=on",
          ...Object.entries(
            await ownFiles(folder, as, {
              cert: ssl.cert,
              key: ssl.key,
              ...(ssl.clientCa === undefined ? {} : { ca: ssl.clientCa }),
            }),
          ).map(([name, path]) => `ssl_${name}_file=${path}`),
        ]
      : []),
  ];
  if (ssl?.clientCa !== undefined)
    writeFileSync(join(data, "pg_hba.conf"), "local all all trust\nhostssl all all all cert\n");
  const server = start(scene, [
    ...prefix,
    ...as,
    program("postgres"),
    "-D",
    data,
    "-p",
    String(port),
    ...settings.flatMap((setting) => ["-c", setting]),
  ]);
  // Told to stop at once, it takes its children and its shared memory with it.
  scene.defer(async () => {
    server.signal("SIGQUIT");
    await server.ended;
  });
  await server.output("stderr", /database system is ready to accept connections/);
  const psql = (text: string, ...args: string[]) =>
    run([...prefix, "psql", "--no-psqlrc", "--tuples-only", "--no-align", `user=ann dbname=postgres ${text}`, ...args]);
  const host = `host=${folder} port=${port} sslmode=disable`;
  await until("the server to answer", async () => (await psql(host, "-c", "select 1")).status === 0);
  return { port, socket: folder, psql };
}

function debianPrograms(): string {
  return join(VERSIONS, readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))[0]!, "bin");
}

/** The words ahead of a command that run it as an ordinary user, who owns `folder` from here on. */
async function asUser(scene: Scene, folder: string): Promise<string[]> {
  if (process.getuid!() !== 0) return [];
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run(["id", flag, USER])).stdout)),
  );
  chmodSync(scene.folder, 0o711);
  chownSync(folder, uid!, gid!);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

/** Copies that the server owns and nobody else can read, as it demands of its key. */
async function ownFiles<T extends Record<string, string>>(folder: string, as: string[], files: T): Promise<T> {
  const copied = await Promise.all(
    Object.entries(files).map(async ([name, path]) => {
      const copy = join(folder, `${name}.pem`);
      const { status, stderr } = await run([...as, "sh", "-c", 'umask 077; cat >"$1"', "sh", copy], {
        stdin: await Bun.file(path).bytes(),
      });
      if (status !== 0) throw new Error(stderr);
      return [name, copy];
    }),
  );
  return Object.fromEntries(copied) as T;
}
