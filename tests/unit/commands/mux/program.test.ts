/** What `mux exec` runs, and how the program is told where to connect; played by `env` and `echo`. */
import { describe, expect, test } from "bun:test";
import { presetOf, PRESETS } from "../../../../commands/mux/presets.ts";
import { planProgram } from "../../../../commands/mux/program.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseEndpoint } from "../../../../lib/net/endpoint.ts";

const plan = (words: string, listen: readonly string[] = [], more: { env?: string[]; preset?: string } = {}) =>
  planProgram(
    { command: words.split(" "), env: more.env ?? [], preset: more.preset },
    listen.map((text) => parseEndpoint(text, "--listen")),
  );
const codeOf = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (error instanceof PortailError) return [error.code, error.exit];
    throw error;
  }
  return undefined;
};
const TCP = "tcp" as const;

describe("presets", () => {
  test.each([
    ["psql", "psql"],
    ["/usr/lib/postgresql/15/bin/pg_dump", "psql"],
    ["mariadb-dump", "mysql"],
    ["mongosh", "mongosh"],
    ["kubectl", "kubectl"],
  ] as const)("%s is told as %s is", (program, name) => expect(presetOf(program)).toBe(PRESETS[name]));

  test.each(["sh", "psql2", "constructor"])("%s has none", (program) => expect(presetOf(program)).toBeUndefined());

  test("psql by its environment, in which nothing else counts more", () => {
    const { psql } = PRESETS;
    expect(psql.tell(["-X"], TCP)).toEqual({ args: ["-X"], env: ["PGHOST={host}", "PGPORT={port}", "PGHOSTADDR="] });
    expect(psql.tell([], { socket: "/run/a{b}/.s.PGSQL.77" }).env).toEqual([
      "PGHOST=/run/a{{b}}",
      "PGPORT=77",
      "PGHOSTADDR=",
    ]);
  });

  test("mysql by arguments, behind those that must stand first", () => {
    const { mysql } = PRESETS;
    const where = ["--protocol=tcp", "--host={host}", "--port={port}"];
    expect(mysql.tell(["-e", "x"], TCP).args).toEqual([...where, "-e", "x"]);
    expect(mysql.tell(["--defaults-file=f", "shop"], TCP).args).toEqual(["--defaults-file=f", ...where, "shop"]);
    expect(mysql.tell(["--no-defaults"], TCP).args).toEqual(["--no-defaults", ...where]);
    expect(mysql.tell([], { socket: "/s" }).args).toEqual(["--protocol=socket", "--socket={socket}"]);
  });

  test("mongosh and kubectl by arguments", () => {
    expect(PRESETS.mongosh.tell(["shop"], TCP).args).toEqual(["--host={host}", "--port={port}", "shop"]);
    expect(PRESETS.kubectl.tell(["get", "pod"], TCP).args).toEqual(["--server=http://{host}:{port}", "get", "pod"]);
  });
});

describe("where it is served", () => {
  test.each([
    ["psql", [], ".s.PGSQL.5432"],
    ["psql", ["127.0.0.1:0"], undefined],
    ["mysql", [], undefined],
    ["worker --at {socket}", [], "socket"],
    ["worker --at {socket}", ["unix:/s"], undefined],
    ["worker --at {host}:{port}", [], undefined],
    ["psql -h {host} -p {port}", [], undefined],
  ] as const)("%j listening at %j: %p", (words, listen, socket) => expect(plan(words, listen).socket).toBe(socket));

  test("a template in a setting counts as one in an argument", () => {
    expect(plan("worker", [], { env: ["AT={socket}"] }).socket).toBe("socket");
  });

  test("another name, and none", () => {
    expect(plan("sh", [], { preset: "psql" }).socket).toBe(".s.PGSQL.5432");
    expect(plan("psql", [], { preset: "none" }).socket).toBeUndefined();
  });
});

describe("refused", () => {
  test.each([
    ["worker", [], {}, "mux.program_untold"],
    ["worker {{port}}", [], {}, "mux.program_untold"],
    ["worker {prot}", [], {}, "template.unknown"],
    ["worker {socket}", ["127.0.0.1:0"], {}, "mux.no_socket"],
    ["worker {socket} {port}", [], {}, "mux.no_socket"],
    ["worker {host}", ["unix:/s"], {}, "mux.no_port"],
    ["psql", ["unix:/run/db.sock"], {}, "mux.socket_name"],
    ["mongosh", ["unix:/s"], {}, "mux.socket_unusable"],
    ["kubectl get pod", ["unix:/s"], {}, "mux.socket_unusable"],
    ["psql", ["systemd:db"], {}, "usage.value"],
    ["worker {port}", ["fd:3"], {}, "usage.value"],
    ["sh", [], { preset: "pgsql" }, "usage.value"],
    ["psql", [], { env: ["1=2"] }, "child.setting"],
  ] as const)("%j at %j with %j: %s", (words, listen, more, code) => {
    expect(codeOf(() => plan(words, listen, more as { env?: string[]; preset?: string }))).toEqual([code, 64]);
  });

  test("the same beside an address that is served", () => {
    expect(codeOf(() => plan("worker {socket} {port}", ["127.0.0.1:0", "unix:/s"]))).toBeUndefined();
  });
});
