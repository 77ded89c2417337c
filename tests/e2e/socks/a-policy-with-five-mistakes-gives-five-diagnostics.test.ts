/** A policy with five different mistakes is refused at the start with all five, each with its line and a caret. */
import { expect, test } from "bun:test";
import { scenario } from "../../support/scenario.ts";

/** The mistakes, each with its code and what the caret is to stand under. */
const MISTAKES = [
  { text: 'policy fact { when hots == "a.example" action deny }', code: "acl.unknown_fact", at: "hots" },
  { text: "policy type { when port == 1.2.3.4 action deny }", code: "acl.type_mismatch", at: "1.2.3.4" },
  { text: "policy pool { when host in blokced action deny }", code: "acl.unknown_set", at: "blokced" },
  { text: "policy void { when port == 443 }", code: "acl.missing_action", at: "void" },
  { text: "policy span { when dest.ip in [10.0.0.0/40] action allow }", code: "acl.bad_address", at: "10.0.0.0/40" },
];

scenario(import.meta.file, [], ({ scene, portail }) => {
  test("weakness 6.4.11: five diagnostics with carets, and exit status 65", async () => {
    const lines = ['set blocked = ["b.example"]', ...MISTAKES.map(({ text }) => text)];
    const file = scene.write("five.acl", `${lines.join("\n")}\n`);
    const { status, stdout, stderr } = await portail.run(["socks", "--listen", "127.0.0.1:0", "--acl", file]);
    expect(status).toBe(65);
    expect(stdout).toBe("");
    expect(stderr.match(/: error: /g)).toHaveLength(MISTAKES.length);
    expect(stderr.match(/^ +\| +\^+/gm)).toHaveLength(MISTAKES.length);
    for (const [i, { text, code, at }] of MISTAKES.entries()) {
      const column = text.indexOf(at) + 1;
      const place = `${file}:${i + 2}:${column}: error: `;
      const diagnostic = stderr.slice(stderr.indexOf(place)).split("\n");
      expect(stderr).toContain(place);
      expect(diagnostic[0]).toEndWith(`[${code}]`);
      expect(diagnostic[2]).toBe(` ${i + 2} | ${text}`);
      expect(diagnostic[3]).toMatch(new RegExp(`^ {3}\\| {${column}}\\^{${at.length}}( |$)`));
    }
    expect(stderr).toContain("hint: ");
    expect(stderr).toContain("host");
    expect(stderr).toMatch(/blocked/);
    expect(stderr).toContain(`the policy ${JSON.stringify(file)} has 5 errors [acl.invalid]`);
    expect(stderr).not.toContain("listening");
  });
});
