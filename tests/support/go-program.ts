/** Programs in Go: small ones for what other implementations are libraries, and whole ones of others. Built once, kept in the temporary folder. Runs none of them. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { whichPeer } from "../../scripts/peer-list.ts";
import { environment, run } from "./program.ts";

/** Milliseconds for the first build, which fetches and compiles. */
const PATIENCE = 600_000;

/**
 * The program whose go.mod and go.sum are in tests/support/NAME, with its sources or as the package `main` of a module that
 * they name. Modules come from where GOPROXY says.
 */
export async function goProgram(name: string, main = "."): Promise<string> {
  const sources = resolve(import.meta.dir, name);
  const digest = createHash("sha256");
  for (const file of readdirSync(sources).toSorted()) digest.update(readFileSync(join(sources, file)));
  const folder = join(tmpdir(), `portail-go-${process.getuid?.() ?? 0}`);
  const program = join(folder, `${name}-${digest.digest("hex").slice(0, 16)}`);
  if (existsSync(program)) return program;
  const work = join(folder, `${name}-${process.pid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(sources, work, { recursive: true });
  const env = {
    GOCACHE: join(folder, "build"),
    GOPATH: join(folder, "modules"),
    GOFLAGS: "-buildvcs=false -modcacherw",
    GOTOOLCHAIN: "local",
    CGO_ENABLED: "0",
    ...(process.env["GOPROXY"] && { GOPROXY: process.env["GOPROXY"] }),
  };
  const built = join(work, "program");
  const { status, stderr } = await run([whichPeer("go")!, "build", "-o", built, main], {
    cwd: work,
    env,
    patience: PATIENCE,
  });
  if (status !== 0) throw new Error(`go build of ${name}: ${stderr}`);
  renameSync(built, program);
  return program;
}

/** For `scenario` and `needing`: `go` where it is of version 1.`minor` or later, else a name that is not there. */
export function goOf(minor: number): string {
  const go = whichPeer("go");
  const command = [go ?? "go", "env", "GOVERSION"];
  const version = go === null ? "" : Bun.spawnSync(command, { env: environment({ GOTOOLCHAIN: "local" }) }).stdout;
  const [, major, found] = /^go(\d+)\.(\d+)/.exec(version.toString()) ?? [];
  return Number(major) > 1 || Number(found) >= minor ? "go" : `go1.${minor}`;
}
