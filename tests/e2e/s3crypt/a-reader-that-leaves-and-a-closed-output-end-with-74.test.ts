/** `encrypt` and `decrypt` as filters: a reader that has had enough is no error to talk about, a missing end is one. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { run } from "../../support/program.ts";
import { keyringOf, shellWords } from "../../support/s3crypt-tool.ts";
import { scenario } from "../../support/scenario.ts";

/** More than a pipe holds. */
const MUCH = 8 * 1024 * 1024;

scenario(import.meta.file, [], ({ scene, portail }) => {
  const env = keyringOf(scene);
  scene.write("plain", Buffer.alloc(MUCH, "portail"));
  const shell = (line: string) => run(["bash", "-c", line], { env, cwd: scene.folder });

  test.each([
    ["decrypt", "sealed"],
    ["encrypt", "plain"],
  ])("%s ends without a word when its reader has left", async (word, input) => {
    expect((await portail.run(["s3crypt", "encrypt", "plain", "sealed"], { env })).status).toBe(0);
    const line = `${shellWords(portail, word, input)} | head -c 1 > first; echo "\${PIPESTATUS[*]}"`;
    const { stdout, stderr } = await shell(line);
    expect([stdout, stderr]).toEqual(["74 0\n", ""]);
    expect(readFileSync(scene.path("first"))).toHaveLength(1);
  });

  test.each([
    ["inspect", "sealed"],
    ["verify", "plain"],
  ])("%s ends without a word when nobody reads what it tells", async (word, object) => {
    await portail.run(["s3crypt", "encrypt", "plain", "sealed"], { env });
    const { stdout, stderr } = await shell(
      `exec 9> >(:); wait $!; ${shellWords(portail, word, object)} >&9; echo "$?"`,
    );
    expect([stdout, stderr]).toEqual(["74\n", ""]);
  });

  test("a named pipe whose reader has left is said", async () => {
    const line = `mkfifo pipe; head -c 1 pipe > first & ${shellWords(portail, "encrypt", "plain", "pipe")}`;
    const { status, stderr } = await shell(line);
    expect([status, stderr]).toEqual([74, expect.stringContaining('"pipe": EPIPE [output.write]')]);
  });

  test.each([
    ["encrypt plain", "encrypt", ["plain"], ">&-", 74, "standard output is closed [output.write]"],
    ["decrypt", "decrypt", ["sealed"], ">&-", 74, "standard output is closed [output.write]"],
    ["inspect", "inspect", ["sealed"], ">&-", 74, "standard output is closed [output.write]"],
    ["verify", "verify", ["plain"], ">&-", 74, "standard output is closed [output.write]"],
    ["verify of what is well", "verify", ["sealed"], ">&-", 0, ""],
    ["encrypt, of nothing", "encrypt", [], "<&- > out", 66, "standard input is closed [input.unreadable]"],
    ["encrypt, both", "encrypt", [], "<&- >&-", 66, "standard input is closed [input.unreadable]"],
  ])("%s: a closed end is no empty file", async (_, word, words, ends, expected, said) => {
    await portail.run(["s3crypt", "encrypt", "plain", "sealed"], { env });
    const { status, stderr } = await shell(`${shellWords(portail, word, ...words)} ${ends}`);
    expect([status, stderr]).toEqual([expected, expect.stringContaining(said)]);
  });

  test.each(["> /dev/null", "1<> /dev/null"])("what goes to %s goes nowhere, as it should", async (to) => {
    const { status, stderr } = await shell(`${shellWords(portail, "encrypt", "plain")} ${to}`);
    expect([status, stderr]).toEqual([0, ""]);
  });
});
