/** The committed man pages by mandoc: no complaint of any level, and what is on the page when it is read. */
import { beforeAll, expect, test } from "bun:test";
import { cpSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { root } from "../../cli/commands.ts";
import { locate } from "../../cli/tree.ts";
import { MOUNTING } from "../support/own-syslog.ts";
import { ROOT } from "../support/portail.ts";
import { run } from "../support/program.ts";
import { needing } from "../support/needs.ts";
import { Scene } from "../support/scene.ts";

const PAGES = resolve(ROOT, "completions/man/man1");

/** mandoc looks for pages that are referred to where the system has its own. */
const LINT = `mount --bind "$1" /usr/share/man; shift
makewhatis /usr/share/man
exec mandoc -T lint "$@"`;

needing("man pages are clean and show every flag", ["mandoc", "makewhatis", MOUNTING], () => {
  const scene = new Scene();
  const names = readdirSync(PAGES);
  beforeAll(() => cpSync(PAGES, scene.path("man/man1"), { recursive: true }));

  const lint = (files: readonly string[]) =>
    run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", LINT, "sh", scene.path("man"), ...files]);

  test("mandoc has nothing to say about them", async () => {
    expect(names.length).toBeGreaterThan(40);
    const files = names.map((name) => scene.path(`man/man1/${name}`));
    expect(await lint(files)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("and would say something", async () => {
    const page = scene.write(
      "bad.1",
      ".Dd November 26, 2026\n.Dt BAD 1\n.Os\n.Sh NAME\n.Nm bad\n.Nd x\n.Xr no-page 1\n",
    );
    const { status, stdout, stderr } = await lint([page]);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("no-page");
  });

  test.each(names)("%s shows flags, exit statuses and examples", async (name) => {
    const words = await commandOf(name);
    const { node } = await locate(root, words);
    const { status, stdout } = await run(["mandoc", "-T", "ascii", "-O", "width=200", resolve(PAGES, name)]);
    const page = stdout
      .replaceAll(/.\u0008/g, "")
      .replaceAll(/-\n +/g, "-")
      .replaceAll(/\s+/g, " ");
    expect(status).toBe(0);
    expect(page).toContain(["SYNOPSIS portail", ...words].join(" "));
    if (node.kind === "group") return;
    for (const [flag, definition] of Object.entries(node.args)) {
      if (definition.type === "positional" || definition.hidden) continue;
      const value = definition.type === "string" ? ` ${definition.valueHint ?? "VALUE"}` : "";
      expect(page).toContain(`--${flag}${value}`);
      expect(page).toContain(definition.description.split(". ")[0]!);
    }
    for (const { status: number } of node.meta.exits) expect(page).toMatch(new RegExp(`EXIT STATUS .*\\b${number} `));
    for (const { command } of node.meta.examples)
      expect(page.replaceAll(" \\ ", " ")).toContain(command.replaceAll(/ +/g, " "));
  });
});

/** `portail-acl-check-syntax.1` is a command with dashes in its name, or several commands. */
async function commandOf(page: string): Promise<string[]> {
  const words = page.slice(0, -2).split("-").slice(1);
  const found: string[] = [];
  while (words.length > 0) {
    for (let count = words.length; ; count--) {
      const name = words.slice(0, count).join("-");
      const fits = await locate(root, [...found, name]).then(
        ({ path }) => path.at(-1) === name,
        () => false,
      );
      if (!fits && count > 1) continue;
      found.push(name);
      words.splice(0, count);
      break;
    }
  }
  return found;
}
