/** What `portail acl lint --format sarif` writes is SARIF 2.1.0: by the schema of the standard, and by another's validator. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { RULES } from "../../lib/acl/lint/engine/rules.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { Folder } from "../unit/commands/acl/folder.ts";

const SCHEMA = resolve(import.meta.dir, "sarif/sarif-2.1.0-rtm.5.json");
/** Findings of every severity and over several lines, with fixes, a suppression, an include, and text beyond ASCII. */
const POLICY = `include "part with blank.acl"
policy web { when host == "A.test" and
  host == "😀" and port == 443 and port == 443 action allow }
# lint-allow constant-condition: "quoted" — why
policy p { when 1 == 1 action allow }
policy late { when port == 1 action allow }
`;
const NEEDS = ["jsonschema"];

interface Log {
  runs: {
    tool: { driver: { name?: string; rules: { id: string }[] } };
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      suppressions: object[];
      fixes?: object[];
      locations: object[];
    }[];
  }[];
}

const folder = new Folder();
afterAll(() => folder.remove());

/** The validator's word on a log. */
async function validate(
  name: string,
  text: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return run(["jsonschema", "-i", folder.write(name, text), SCHEMA], { env: { PYTHONWARNINGS: "ignore" } });
}

describe("a SARIF log", () => {
  let text = "";
  let log: Log;

  beforeAll(async () => {
    folder.write("part with blank.acl", 'policy part { when nothost == "a" and port > 70000 action deny }\n');
    folder.write("p.acl", POLICY);
    text = (await folder.acl(["lint", "p.acl", "builtin:sample", "--format", "sarif"])).stdout;
    log = JSON.parse(text) as Log;
  });

  test("describes every rule, and refers to it by its place", () => {
    const [{ tool, results }] = log.runs as [Log["runs"][0]];
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(RULES.map(({ id }) => id));
    expect(results.length).toBeGreaterThan(6);
    for (const { ruleId, ruleIndex, level } of results) {
      expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
      expect(level).toBe(RULES[ruleIndex]!.severity);
    }
    expect(new Set(results.map(({ level }) => level))).toEqual(new Set(["error", "warning", "note"]));
  });

  test("has places that count characters, URIs, fixes and reasons", () => {
    const [{ results }] = log.runs as [Log["runs"][0]];
    const of = (rule: string) => results.find(({ ruleId }) => ruleId === rule)!;
    expect(of("missing-space").locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: "part%20with%20blank.acl" },
          region: { startLine: 1, startColumn: 20, endLine: 1, endColumn: 27 },
        },
      },
    ]);
    expect(of("redundant-condition").locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: "p.acl" },
          region: { startLine: 3, startColumn: 35, endLine: 3, endColumn: 46 },
        },
      },
    ]);
    expect(of("redundant-condition").fixes).toEqual([
      {
        artifactChanges: [
          {
            artifactLocation: { uri: "p.acl" },
            replacements: [
              {
                deletedRegion: { startLine: 3, startColumn: 30, endLine: 3, endColumn: 46 },
                insertedContent: { text: "" },
              },
            ],
          },
        ],
      },
    ]);
    const quiet = results.filter(({ suppressions }) => suppressions.length > 0);
    expect(quiet.map(({ ruleId, suppressions }) => [ruleId, suppressions])).toEqual([
      ["constant-condition", [{ kind: "inSource", justification: '"quoted" — why' }]],
    ]);
  });

  if (missing(NEEDS).length > 0) leaveOut("a SARIF log is valid by its schema", NEEDS);
  else {
    test("is valid by its schema", async () => {
      expect(await validate("log.sarif", text)).toMatchObject({ status: 0 });
    });

    test.each<[string, (log: Log) => void]>([
      ["a tool without a name", ({ runs }) => delete runs[0]!.tool.driver.name],
      ["a level that is none", ({ runs }) => (runs[0]!.results[0]!.level = "fatal")],
      ["a rule's index that is no number", ({ runs }) => (runs[0]!.results[0]!.ruleIndex = "1" as never)],
    ])("would not be with %s", async (_, spoil) => {
      const broken = JSON.parse(text) as Log;
      spoil(broken);
      expect((await validate("broken.sarif", JSON.stringify(broken))).status).toBe(1);
    });
  }
});
