/** The program nft(8): puts a table in force, takes it away, reads it. Knows nothing of what is in one. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { systemProgram } from "../../lib/service/system-programs.ts";

/** Executes commands, all or none. Throws `PortailError` (`tproxy.nft_missing`, `tproxy.nft_refused`). */
export async function execute(text: string): Promise<void> {
  const { status, stderr } = await nft(["-f", "-"], text);
  if (status === 0) return;
  const denied = stderr.includes("Operation not permitted");
  throw new PortailError(`nft refuses the table: ${JSON.stringify(stderr.trim().split("\n")[0] ?? "")}`, {
    code: "tproxy.nft_refused",
    exit: denied ? EXIT.noPrivilege : EXIT.os,
    hint: denied ? "capturing takes CAP_NET_ADMIN: start as root" : "`portail tproxy rules` prints the table",
  });
}

/** A table of the family inet as it is in force; undefined where there is none. */
export async function listTable(name: string): Promise<string | undefined> {
  const { status, stdout } = await nft(["--numeric", "list", "table", "inet", name], "");
  return status === 0 ? stdout : undefined;
}

async function nft(
  args: readonly string[],
  stdin: string,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const path = systemProgram("nft");
  if (path === undefined) {
    throw new PortailError("the program nft is not there", {
      code: "tproxy.nft_missing",
      exit: EXIT.unavailable,
      hint: "install the package nftables, or capture with --mode anyip",
    });
  }
  const child = Bun.spawn([path, ...args], { stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe", env: {} });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, stdout, stderr };
}
