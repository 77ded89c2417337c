/** What `npm run package` does with a runtime that cannot be had, or that is not the one of the lock file. Makes no program. */

import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EXIT } from "../../../lib/command/errors.ts";

const SCRIPT = resolve(import.meta.dir, "../../../scripts/package.ts");
/** Not the runtime of the machine that runs tests. */
const TARGET = "windows-x64";

let answer = () => new Response();
const asked: string[] = [];
const registry = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    asked.push(new URL(request.url).pathname);
    return answer();
  },
});
const root = mkdtempSync(join(tmpdir(), "portail-package-"));
afterAll(() => {
  registry.stop(true);
  rmSync(root, { recursive: true });
});
afterEach(() => rmSync(join(root, "runtimes"), { recursive: true, force: true }));

async function make(out: string, ...args: string[]) {
  const places = ["--out", join(root, out), "--runtimes", join(root, "runtimes")];
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    BUN_INSTALL_CACHE_DIR: join(root, "cache"),
    BUN_CONFIG_REGISTRY: String(registry.url),
    SOURCE_DATE_EPOCH: "1700000000",
  };
  const child = Bun.spawn([process.execPath, SCRIPT, ...places, ...args], { env, stdout: "ignore", stderr: "pipe" });
  const [stderr, status] = await Promise.all([child.stderr.text(), child.exited]);
  return { status, stderr };
}

test("a runtime that the registry lacks is left out by name, and the rest is made", async () => {
  answer = () => new Response("no", { status: 404 });
  const { status, stderr } = await make("lacking", "--target", TARGET);
  expect(stderr).toContain(`WARNING: ${TARGET} is left out: cannot fetch @oven/bun-windows-x64 ${Bun.version}`);
  expect(stderr).toContain("0 of 1 targets");
  expect(status).toBe(EXIT.unavailable);
  expect(asked.some((path) => path.includes("bun-windows-x64"))).toBe(true);
  const names = readdirSync(join(root, "lacking")).map((name) => name.replace(/-\d.*\d(?=\.)/, ""));
  expect(names.toSorted()).toEqual(["SHA256SUMS", "npm-portail.tgz", "portail.cdx.json"]);
});

test("a runtime with another digest than the lock file's is refused", async () => {
  answer = () => new Response(Bun.gzipSync("another program"));
  const { status, stderr } = await make("planted", "--target", TARGET);
  expect(stderr).toMatch(/left out: [^]*integrity/i);
  expect(status).toBe(EXIT.unavailable);
});

test("unknown targets and a folder with something in it are refused", async () => {
  expect((await make("unknown", "--target", "vax")).stderr).toContain('unknown target "vax": use some of linux-x64');
  const { status, stderr } = await make(".");
  expect({ status, stderr }).toEqual({ status: EXIT.cannotCreate, stderr: `portail: "${root}" is not empty\n` });
});
