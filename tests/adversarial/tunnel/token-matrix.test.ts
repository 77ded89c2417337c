/** The refusals of both sides of a tunnel, once more with the tunnel's key in a token: the same decisions, with the same reasons in record and log. */
import { join, resolve } from "node:path";
import { expect, setDefaultTimeout, test } from "bun:test";
import { needing } from "../../support/needs.ts";
import { SOFTHSM } from "../../support/softhsm.ts";

setDefaultTimeout(600_000);

const ROOT = resolve(import.meta.dir, "../../..");
/** The files, and how many tests each has at least. */
const SHORT: [name: string, tests: number][] = [
  ["clients", 37],
  ["protocols", 28],
  ["rules", 4],
  ["server-protocols", 19],
];
const FILES: typeof SHORT = process.env["PORTAIL_LONG"] === "1" ? [...SHORT, ["servers", 33]] : SHORT;

needing("refusals with keys in a token", [...SOFTHSM, "python3"], () => {
  test.each(FILES)("%s", async (name, tests) => {
    const file = join(import.meta.dir, `${name}.test.ts`);
    const child = Bun.spawn([process.execPath, "test", "--timeout=60000", file], {
      cwd: ROOT,
      env: { ...process.env, PORTAIL_KEYS: "token" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const output = await child.stderr.text();
    const failed = output.match(/^\(fail\) .*$/gm) ?? [];
    expect([failed, await child.exited]).toEqual([[], 0]);
    expect(Number(/^ *(\d+) pass$/m.exec(output)?.[1])).toBeGreaterThanOrEqual(tests);
  });
});
