/** `npm start`, `npm test` and so on from a fresh clone: installs what is missing, then runs the task under the pinned Bun. Plain JavaScript for Node 20 or any Bun; does no task itself. */

import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Output of an installation that has not succeeded (yet): while it exists, node_modules is not trusted. */
const unfinished = join(root, "install.log");
const FLAGS = ["--ignore-scripts"];

const TASKS = {
  start: startCommand,
  test: (args) => ["scripts/test.ts", ...args],
  "test:long": (args) => ["scripts/test.ts", "--long", ...args],
  build: (args) => ["scripts/build.ts", ...args],
  gen: (args) => ["cli/gen.ts", ...args],
  package: (args) => ["scripts/package.ts", ...args],
  bench: (args) => ["tests/bench/run.ts", ...args],
  peers: (args) => ["scripts/peers.ts", ...args],
};

const [task = "", ...args] = process.argv.slice(2);
const command = Object.hasOwn(TASKS, task) ? TASKS[task] : undefined;
if (!command) fail(`unknown task "${task}": use one of ${Object.keys(TASKS).join(", ")}`);
if (Number(process.versions.node.split(".")[0]) < 20)
  fail(`Node ${process.versions.node} is too old: 20 or later, or Bun`);
if (isStale()) install();
run(pinnedBun() ?? fail("the installation has no Bun for this machine"), command(args));

/** The trial proxy. What is given on the command line replaces the defaults. */
function startCommand(args) {
  const given = (flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
  const listen = "127.0.0.1:1080";
  const defaults = [
    ["--listen", listen],
    ["--acl", "builtin:sample"],
  ].filter(([flag]) => !given(flag));
  if (!given("--listen") && !args.includes("--help")) {
    process.stderr.write(
      `Try it in another terminal:\n` +
        `  python3 -m http.server 8000 &\n` +
        `  curl --proxy socks5h://${listen} http://localhost:8000/\n` +
        `  curl --proxy socks5h://${listen} https://example.org/\n\n`,
    );
  }
  return ["cli/main.ts", "socks", ...defaults.flat(), ...args];
}

/** Whether node_modules lacks a package of the lock file, has another version of one, or was left half installed. */
function isStale() {
  if (existsSync(unfinished)) return true;
  const { packages } = readJson(join(root, "package-lock.json"));
  const locked = Object.entries(packages).filter(([path]) => path !== "");
  return (
    !pinnedBun() ||
    locked.some(([path, entry]) => {
      const installed = readJson(join(root, path, "package.json"))?.version;
      return installed === undefined ? !entry.optional : installed !== entry.version;
    })
  );
}

/**
 * With npm when this is Node and npm is there, else with Bun. Scripts of packages are not run. `npm ci` refuses a lock file
 * that lacks packages of other platforms; `npm install --no-save` takes the locked versions without that demand.
 */
function install() {
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail("node_modules is stale, and a symbolic link: install where it leads");
  }
  const npm = process.versions.bun ? undefined : onPath("npm");
  const bun = process.versions.bun ? process.execPath : onPath("bun");
  if (npm) return installWith("npm install", npm, ["install", "--no-save", "--no-audit", "--no-fund", ...FLAGS]);
  if (!bun) fail("neither npm nor bun is on PATH");
  installWith("bun install", frozenBun(bun), ["install", "--frozen-lockfile", ...FLAGS]);
}

/** `bun` if it is the pinned version; another may not read the lock file, so it only fetches the pinned one. */
function frozenBun(bun) {
  const wanted = pinnedVersion();
  if (versionOf(bun) === wanted) return bun;
  const folder = mkdtempSync(join(tmpdir(), "portail-bun-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { bun: wanted } }));
  installWith(`bun install bun@${wanted}`, bun, ["install", ...FLAGS], folder);
  return pinnedBun(folder) ?? fail(`cannot fetch Bun ${wanted} for this machine`);
}

function installWith(name, program, args, cwd = root) {
  process.stderr.write(`portail: installing dependencies with ${name}\n`);
  const log = openSync(unfinished, "w");
  const { status, error } = spawnSync(program, args, { cwd, stdio: ["ignore", log, log] });
  if (status !== 0) fail(`${name} failed${error ? `: ${error.message}` : ""}\n${readFileSync(unfinished, "utf8")}`);
  rmSync(unfinished);
}

/** The installed Bun: the `bun` package's binary is a placeholder when install scripts did not run, and its platform package has it. */
function pinnedBun(folder = root) {
  const modules = join(folder, "node_modules");
  const scope = join(modules, "@oven");
  const platforms = existsSync(scope) ? readdirSync(scope).filter((name) => name.startsWith("bun-")) : [];
  const packages = [join(modules, "bun"), ...platforms.map((name) => join(scope, name))];
  const binaries = packages.flatMap((path) => ["bun", "bun.exe"].map((name) => join(path, "bin", name)));
  return binaries.find((binary) => existsSync(binary) && versionOf(binary) === pinnedVersion());
}

/** What the binary says of itself; undefined when it does not run here, as one for another libc. */
function versionOf(binary) {
  const { status, stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function pinnedVersion() {
  return readJson(join(root, "package.json")).devDependencies.bun;
}

/** Runs to the end: passes signals on, and ends as the child ended. A terminal sends its own interrupt to both. */
function run(bun, args) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const child = spawn(bun, args, { cwd: root, stdio: "inherit" });
  child.on("error", (error) => fail(error.message));
  child.on("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(`portail: ${message}\n`);
  process.exit(69);
}
