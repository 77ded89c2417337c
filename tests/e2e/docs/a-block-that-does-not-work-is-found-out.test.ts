/** The reader of pages itself: what it lets pass works, and what does not is not passed over. */
import { beforeAll, describe, expect, test } from "bun:test";
import { blocksOf, prints, type ShellBlock } from "../../support/pages/blocks.ts";
import { Reader, READER_NEEDS } from "../../support/pages/reader.ts";
import { scenario } from "../../support/scenario.ts";

describe("a page", () => {
  test("is made of shell blocks with what they print, files that have a name, and what is only shown", () => {
    const page = [
      "```sh\nls\n```\n\n```text\na\nb\n```",
      "```sh\npwd\n```\nIn other words:\n```text\nc\n```",
      "```toml\n# a.toml\nlisten = 1\n```",
      "```toml\n# no name, and not run\n```",
    ];
    expect(blocksOf(page.join("\n"))).toEqual([
      { kind: "shell", line: 1, text: "ls\n", output: "a\nb\n" },
      { kind: "shell", line: 9, text: "pwd\n" },
      { kind: "file", line: 16, name: "a.toml", text: "# a.toml\nlisten = 1\n" },
    ]);
  });

  test.each(["```\nls\n```", "```fortran\nstop\n```", "```sh\nls\n"])("is refused: %j", (page) => {
    expect(() => blocksOf(page)).toThrow(/^line 1: /);
  });

  test("prints what it says, but for what is left open", () => {
    expect(prints("a 12 b\n", "a … b\n")).toBe(true);
    expect(prints("x\ny\nz\n", "…\nz\n")).toBe(true);
    expect(prints("a 12 b\nmore\n", "a … b\n")).toBe(false);
    expect(prints("abc\n", "a.c\n")).toBe(false);
  });
});

scenario(
  import.meta.file,
  [...READER_NEEDS, "python3"],
  ({ scene, portail }) => {
    let reader: Reader;
    beforeAll(async () => {
      reader = await Reader.open(scene, portail);
    });

    const paste = (text: string, output?: string) => {
      const block: ShellBlock = { kind: "shell", line: 1, text, ...(output !== undefined && { output }) };
      return reader.paste(block);
    };

    test("what was set and started before stays", async () => {
      await paste("name=world\nportail socks --acl builtin:sample 2>&1 &\n");
      await paste('echo "hello, $name"\n', "hello, world\n");
    });

    test.each([
      ["a command that fails ahead of one that does not", "false\ntrue\n", "status 1: false"],
      ["the first of a pipe", "false | cat\n", "status 1: "],
      ["a program that is not there", "there-is-none\n", "status 127"],
      ["an answer that says no", "curl http://127.0.0.1:9/\n", "status 7: curl"],
      ["a daemon that does not start", "portail socks --listen 127.0.0.1:0 --acl none.acl &\n", "acl.unreadable"],
    ])("%s", async (_, text, why) => {
      await expect(paste(text)).rejects.toThrow(why);
    });

    test("what it prints is not what the page says", async () => {
      await expect(paste("echo one\n", "two\n")).rejects.toThrow("it printed:\none\n");
    });

    test("a daemon that ended badly later", async () => {
      await paste("python3 -m http.server --bind 127.0.0.1 8000 &\n");
      await paste("kill -KILL $!\n");
      await expect(reader.leave()).rejects.toThrow(":137");
    });
  },
  ["binary"],
);
