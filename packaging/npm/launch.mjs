#!/usr/bin/env node
/** `npx portail`: starts the compiled program that npm installed for this machine. Plain JavaScript for Node 20. */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";

const platform = process.platform === "win32" ? "windows" : process.platform;
const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
const name = `portail-${platform}-${process.arch}${musl ? "-musl" : ""}`;

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]) {
  // A terminal sends its own interrupt to both.
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => fail(`cannot start ${name}: ${error.message}`, 71));
child.on("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));

function program() {
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/portail${platform === "windows" ? ".exe" : ""}`);
  } catch {
    return fail(`the package ${name} is not installed: there is none for this machine, or npm left it out`, 69);
  }
}

function fail(message, status) {
  process.stderr.write(`portail: ${message}\n`);
  process.exit(status);
}
