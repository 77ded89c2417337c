/** `npm run peers`: installs the Debian packages of missing peers, without starting a service. Needs root; touches nothing that is there. */

import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { EXIT } from "../lib/command/errors.ts";
import { missingPackages } from "./peer-list.ts";

/** Debian asks this file before it starts a service; 101 is "no". */
const POLICY = "/usr/sbin/policy-rc.d";

const packages = missingPackages();
if (packages.length === 0) {
  say("all programs that the tests drive are here");
  process.exit(EXIT.done);
}
if (!Bun.which("apt-get"))
  leave(`install these Debian packages' programs by your own means: ${packages.join(" ")}`, EXIT.unavailable);
if (process.getuid?.() !== 0) leave(`as root: apt-get install ${packages.join(" ")}`, EXIT.noPrivilege);

say(`installing ${packages.join(" ")}`);
const own = !existsSync(POLICY);
if (own) {
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n");
  chmodSync(POLICY, 0o755);
}
let failure: unknown;
try {
  apt("update");
  apt("install", "--yes", "--no-install-recommends", ...packages);
  disableServices();
} catch (error) {
  failure = error;
} finally {
  if (own) rmSync(POLICY, { force: true });
}
if (failure) leave(failure instanceof Error ? failure.message : String(failure), EXIT.unavailable);
const absent = missingPackages();
if (absent.length > 0) leave(`still missing after the installation: ${absent.join(" ")}`, EXIT.unavailable);

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { exitCode } = Bun.spawnSync(["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=300", ...args], {
    env,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0) throw new Error(`apt-get ${args[0]} ended with status ${exitCode}`);
}

/** Where systemd runs, what was just installed must not start at the next boot either. */
function disableServices(): void {
  if (!existsSync("/run/systemd/system")) return;
  const listed = Bun.spawnSync(["dpkg", "--listfiles", ...packages]).stdout.toString();
  const units = [...listed.matchAll(/\/systemd\/system\/([^/@\s]+\.(?:service|socket))$/gm)].map((match) => match[1]!);
  if (units.length > 0)
    Bun.spawnSync(["systemctl", "disable", "--quiet", ...units], { stdout: "inherit", stderr: "inherit" });
}

function say(text: string): void {
  process.stderr.write(`portail: ${text}\n`);
}

function leave(text: string, status: number): never {
  say(text);
  process.exit(status);
}
