/** How well-known programs are told where to connect. Runs none, and listens nowhere. */
import { basename, dirname } from "node:path";
import { usage } from "../../lib/command/argv.ts";

/** Where such a program finds its server: a port, or a socket at that path. */
export type Place = "tcp" | { socket: string };

/** What the program is started with, in templates. */
interface Told {
  args: readonly string[];
  /** `NAME=VALUE`. */
  env: readonly string[];
}

interface Preset {
  programs: readonly string[];
  /** The name of a socket that it finds in a folder of its own, where it can use one. */
  socket?: string;
  tell(args: readonly string[], place: Place): Told;
}

export const PRESETS: Readonly<Record<"psql" | "mysql" | "mongosh" | "kubectl", Preset>> = {
  psql: {
    programs: words(
      "psql pg_dump pg_dumpall pg_restore pg_isready pg_basebackup pgbench pgcli",
      "createdb dropdb createuser dropuser vacuumdb reindexdb clusterdb",
    ),
    socket: ".s.PGSQL.5432",
    tell: (args, place) => {
      // It would win over PGHOST.
      const address = "PGHOSTADDR=";
      if (place === "tcp") return { args, env: ["PGHOST={host}", "PGPORT={port}", address] };
      const [, port] = /^\.s\.PGSQL\.([0-9]+)$/.exec(basename(place.socket)) ?? [];
      if (port === undefined)
        throw usage(
          "mux.socket_name",
          `PostgreSQL finds no socket named ${JSON.stringify(basename(place.socket))}`,
          "name it .s.PGSQL.PORT, e.g. --listen unix:/run/user/1000/.s.PGSQL.5432",
        );
      return { args, env: [`PGHOST=${literal(dirname(place.socket))}`, `PGPORT=${port}`, address] };
    },
  },
  mysql: {
    programs: words(
      "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mariadb",
      "mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check",
    ),
    tell: (args, place) => {
      const where =
        place === "tcp"
          ? ["--protocol=tcp", "--host={host}", "--port={port}"]
          : ["--protocol=socket", "--socket={socket}"];
      // These must stand first.
      const first = args.findIndex((arg) => !/^--(?:no-)?(?:defaults|login-path)/.test(arg));
      const at = first === -1 ? args.length : first;
      return { args: [...args.slice(0, at), ...where, ...args.slice(at)], env: [] };
    },
  },
  mongosh: {
    programs: words("mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop"),
    tell: (args, place) => {
      refuseSocket("mongosh", place);
      return { args: ["--host={host}", "--port={port}", ...args], env: [] };
    },
  },
  kubectl: {
    programs: ["kubectl"],
    tell: (args, place) => {
      refuseSocket("kubectl", place);
      return { args: ["--server=http://{host}:{port}", ...args], env: [] };
    },
  },
};

/** The one for `program`, which may be a path. */
export function presetOf(program: string): Preset | undefined {
  return Object.values(PRESETS).find(({ programs }) => programs.includes(basename(program)));
}

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(" "));
}

/** As a template says it. */
function literal(text: string): string {
  return text.replaceAll("{", "{{").replaceAll("}", "}}");
}

function refuseSocket(name: string, place: Place): void {
  if (place === "tcp") return;
  const hint = "listen at HOST:PORT, or leave --listen out";
  throw usage("mux.socket_unusable", `${name} is not told of a UNIX socket`, hint);
}
