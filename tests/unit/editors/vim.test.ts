/** The vim syntax agrees with the parser on every word of a corpus, as a real vim colours it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { leaveOut, missing } from "../../support/needs.ts";
import { corpus, type Kind, tokensOf } from "./oracle.ts";
import { colour, type Coloured } from "./vim.ts";

const KINDS: Readonly<Record<string, Kind>> = {
  aclComment: "comment",
  aclString: "string",
  aclEscape: "string",
  aclPattern: "string",
  aclOperator: "operator",
  aclFact: "fact",
  aclBlock: "keyword",
  aclLogic: "keyword",
  aclAction: "keyword",
  aclKeyword: "keyword",
  aclPolicyClause: "keyword",
  aclRouteClause: "keyword",
  aclSource: "keyword",
  aclTestClause: "keyword",
  aclOutcome: "keyword",
  aclExpect: "keyword",
  aclName: "word",
  aclWord: "word",
  aclNumber: "word",
  aclAddress: "word",
  aclBoolean: "word",
};

const absent = missing(["vim"]);
if (absent.length > 0) leaveOut("the vim syntax agrees with the parser", absent);
else
  describe("vim", () => {
    const texts = corpus();
    let coloured: Coloured[];
    beforeAll(() => {
      coloured = colour(texts);
    }, 60_000);

    test("takes the files for what they are", () => {
      expect(new Set(coloured.map(({ filetype }) => filetype))).toEqual(new Set(["portail-acl"]));
    });

    test("colours each word as the parser reads it, and nothing else as a word", () => {
      for (const [i, text] of texts.entries()) {
        const { groups } = coloured[i]!;
        const taken = new Set<number>();
        for (const { kind, start, end, text: shown } of tokensOf(text)) {
          for (let at = start; at < end; at++) {
            taken.add(at);
            if (text[at] === "\n") continue;
            const found = KINDS[groups[at]!];
            if (found !== kind) expect([text, shown, start, groups[at]]).toEqual([text, shown, start, kind]);
          }
        }
        const more = [...groups.keys()].filter(
          (at) => !taken.has(at) && KINDS[groups[at]!] !== undefined && text[at]!.trim() !== "",
        );
        expect([text, more.map((at) => [at, text[at], groups[at]])]).toEqual([text, []]);
      }
    });
  });
