/** Every shell block of the README and of the pages of commands, pasted in the order of its page by a reader who has nothing but what the page says. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { blocksOf } from "../../support/pages/blocks.ts";
import { PAGES } from "../../support/pages/pages.ts";
import { Reader, READER_NEEDS } from "../../support/pages/reader.ts";
import { ROOT } from "../../support/portail.ts";
import { scenario } from "../../support/scenario.ts";

/** Milliseconds: a storage that a page needs is compiled the first time. */
const PREPARING = 600_000;
const PASTING = 60_000;

const WITH_BLOCKS = ["README.md", "docs/*.md", "commands/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })])
  .filter((page) => blocksOf(read(page)).some(({ kind }) => kind === "shell"));

describe("the table of pages", () => {
  test("has each page that shows a shell block, and no other", () => {
    expect(Object.keys(PAGES).toSorted()).toEqual(WITH_BLOCKS.toSorted());
  });
});

for (const [page, { needs, prepare, terminals = [], unrun = {} }] of Object.entries(PAGES)) {
  scenario(
    `what-${page.replaceAll("/", "-")}-shows-works`,
    [...READER_NEEDS, ...needs],
    ({ scene, portail }) => {
      let reader: Reader;
      beforeAll(async () => {
        reader = await prepare(scene, portail);
      }, PREPARING);
      const blocks = blocksOf(read(page));

      test("each block that is treated otherwise is there", () => {
        const texts = blocks.map(({ text }) => text);
        expect(texts).toEqual(expect.arrayContaining([...terminals, ...Object.keys(unrun)]));
      });

      for (const block of blocks) {
        const name = `line ${block.line}: ${block.text.split("\n")[0]}`;
        if (block.kind === "file") test(name, () => reader.save(block));
        else if (unrun[block.text] === undefined)
          test(name, () => reader.paste(block, terminals.includes(block.text)), PASTING);
      }

      test("what was left running ends when it is told to", () => reader.leave(), PASTING);
    },
    ["binary"],
  );
}

function read(page: string): string {
  return readFileSync(resolve(ROOT, page), "utf8");
}
