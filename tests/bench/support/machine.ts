/** What the figures were measured on: processor, kernel, versions. Names no host, user or path. */
import { cpus, release, totalmem, type as osType } from "node:os";

/** One line on the machine. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model}), ${memory} GiB, ${osType()} ${release()}, Bun ${Bun.version}`;
}

/** The version of an installed Debian package, or undefined. */
export function packageVersion(name: string): string | undefined {
  const query = Bun.spawnSync(["dpkg-query", "-W", "-f", "${Version}", name], { stderr: "ignore" });
  return query.success ? query.stdout.toString().trim() : undefined;
}
