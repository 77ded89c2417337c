/** `portail acl explain`: the verdict, the tree, and the status, for facts and for audit lines. */
import { afterAll, describe, expect, test } from "bun:test";
import { Folder } from "../folder.ts";

const POLICY = `set corp = ["corp.test"]
policy git {
  when host under corp and port == 22
  require "ops" in client.ou
  action allow
}
policy old { when host == "old.test" action redirect "https://new.test/" }
policy web {
  when (port in [80, 443] or port == 8080) and not (host == "evil.test")
  action allow
}
policy quiet { when host == "quiet.test" action challenge "show\\u001b[31m yourself" }
`;

const folder = new Folder();
folder.write("p.acl", POLICY);
afterAll(() => folder.remove());
const explain = (args: string[], stdin = "") => folder.acl(["explain", "p.acl", ...args], { stdin });

describe("facts", () => {
  test("the deciding policy stands as a tree with marks and values", async () => {
    const { status, stdout } = await explain([
      "host=GIT.corp.test.",
      "port=22",
      "client.ou=dev",
      "--resolves",
      "10.1.2.3",
    ]);
    expect(status).toBe(0);
    expect(stdout).toStartWith("deny: no policy decides\n");
    expect(stdout).toContain(`  when
    ✓ all of
      ✓ host under corp  (host is "git.corp.test")
      ✓ port == 22  (port is 22)
  require
    ✗ "ops" in client.ou  (client.ou is ["dev"])
`);
    expect(stdout).not.toContain("policy quiet");
    expect(stdout).toMatch(/policy git \(p\.acl:2:8\)/);
  });

  test("a missing fact is named with a mark of its own, and what comes after is not reached", async () => {
    const { stdout } = await explain(["host=git.corp.test", "port=22"]);
    expect(stdout).toStartWith("deny by git: the fact client.ou is missing\n");
    expect(stdout).toContain('? "ops" in client.ou  (client.ou is missing)');
    expect(stdout).toContain("policy git (p.acl:2:8): allow  <- decides");
    expect(stdout).toContain("3 that are not reached (--all)");
  });

  test("--only shows the policies of these names, whatever came of them, and no others", async () => {
    const { stdout } = await explain(["host=git.corp.test", "port=22", "--only", "quiet", "--only=web"]);
    expect(stdout).toStartWith("deny by git: the fact client.ou is missing\n");
    expect(stdout.match(/^policy \w+/gm)).toEqual(["policy web", "policy quiet"]);
    expect(stdout).not.toContain("not shown");
    const { status, stderr } = await explain(["host=git.corp.test", "--only", "quite"]);
    expect(status).toBe(64);
    expect(stderr).toContain('no policy "quite"');
    expect(stderr).toContain("did you mean quiet?");
  });

  test("without addresses an allow is left open, and the flag that helps is named", async () => {
    const { status, stdout } = await explain(["host=x.test", "port=443", "--exit-status"]);
    expect([status, stdout]).toEqual([
      1,
      expect.stringContaining("not decided: it hangs on the address\n  give --resolves"),
    ]);
  });

  test("each address is decided, the guard included", async () => {
    const { status, stdout } = await explain([
      "host=x.test",
      "port=443",
      "--resolves",
      "10.0.0.1,203.0.113.9",
      "--exit-status",
    ]);
    expect([status, stdout]).toEqual([0, expect.stringContaining("allow by web\n")]);
    expect(stdout).toContain("at 10.0.0.1: deny by web: the policy allows, but the address guard refuses (private)");
    const own = await explain(["host=203.0.113.9", "port=443", "--listen", "203.0.113.9:443", "--exit-status"]);
    expect([own.status, own.stdout]).toEqual([
      1,
      expect.stringContaining("refuses (own-listener)\n  to allow it, name the address"),
    ]);
  });

  test("a name without an address", async () => {
    expect((await explain(["host=x.test", "port=443", "--resolves", "none"])).stdout).toStartWith(
      "deny: x.test has no address\n",
    );
  });

  test("redirects are followed, and shown as steps", async () => {
    const { stdout } = await explain(["host=old.test", "port=22", "--resolves", "203.0.113.9"]);
    expect(stdout).toStartWith("allow by web\n");
    expect(stdout).toContain("old.test port 22, before it is resolved: redirect by old to new.test port 443");
  });

  test("routes are chosen first, and say where an allowed request goes out", async () => {
    const routes = 'route hub { when host under "corp.test" use ["hub-1", "hub-2"] }\n';
    folder.write("routes.acl", `${routes}policy a { when port == 22 and route.local == false action allow }`);
    const through = await folder.acl(["explain", "routes.acl", "host=git.corp.test", "port=22"]);
    expect(through.stdout).toStartWith("allow by a\n");
    expect(through.stdout).toContain("route hub (routes.acl:1:7)\n  when\n    ✓ host under");
    expect(through.stdout).toEndWith("\nvia hub-1, hub-2\n");
    folder.write("lost.acl", 'route r { when client.cn == "x" use ["b"] } policy a { action allow }');
    const lost = await folder.acl(["explain", "lost.acl", "host=git.corp.test", "port=22"]);
    expect(lost.stdout).toStartWith("deny: the fact client.cn is missing\n");
    expect(lost.stdout).toContain('? client.cn == "x"  (client.cn is missing)');
  });

  test("a backend takes no datagrams", async () => {
    const routes = 'route hub { when host under "corp.test" use ["hub-1"] }\n';
    folder.write("udp.acl", `${routes}policy a { when proxy.cmd == "udp_associate" action allow }`);
    const { stdout } = await folder.acl(["explain", "udp.acl", "host=corp.test", "port=53", "proxy.cmd=udp_associate"]);
    expect(stdout).toStartWith("deny by a: the policy allows, but a backend takes no datagrams\n");
    expect(stdout).toContain("policy a (udp.acl:2:8): allow");
    expect(stdout).not.toContain("via hub-1");
  });

  test("--all shows every policy of every step", async () => {
    const { stdout } = await explain(["host=old.test", "port=22", "--resolves", "203.0.113.9", "--all"]);
    expect(stdout.match(/^policy quiet /gm)).toHaveLength(3);
    expect(stdout).not.toContain("(--all)");
  });

  test("control characters of a policy do not reach the terminal", async () => {
    folder.write("esc.acl", 'policy a { when host == "\u001b[31mx" action deny explain-template="\u009b31m" }');
    const { stdout } = await folder.acl(["explain", "esc.acl", "host=a.test", "port=1", "--all"], { columns: 80 });
    expect(stdout).toContain("\\u001b[31mx");
    expect(stdout).not.toContain("\u001b[31mx");
    expect(stdout).not.toContain("\u009b");
  });

  test("JSON has all of it on one line", async () => {
    const { stdout } = await explain(["command=socks", "host=git.corp.test", "port=22", "--format", "json"]);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    const account = JSON.parse(stdout);
    expect(account).toMatchObject({
      v: 1,
      decision: { outcome: "deny", reason: "missing_fact", missing: "client.ou" },
      redirects: 0,
    });
    expect(account.steps[0]).toMatchObject({
      pending: true,
      last: true,
      facts: { command: "socks", host: "git.corp.test", port: 22 },
    });
    const [git] = account.steps[0].policies;
    expect(git).toMatchObject({ name: "git", file: "p.acl", line: 2, column: 8, decided: true, state: "missing" });
    expect(git.when).toMatchObject({
      kind: "and",
      state: "true",
      items: [{ text: "host under corp", state: "true" }, {}],
    });
  });

  test.each([
    [["hots=x"], 64, "did you mean host?"],
    [["host=x", "-"], 64, "exclude each other"],
    [["host=x", "--resolves", "x"], 64, "--resolves"],
    [["host=x", "--listen", "x:1"], 64, "--listen"],
    [["host=x", "--format", "xml"], 64, "--format"],
  ])("%j is refused", async (args, status, message) => {
    const outcome = await explain(args);
    expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([status, "", expect.stringContaining(message)]);
  });

  test("a broken policy and one that is not there", async () => {
    folder.write("bad.acl", "policy a { when prot == 1 action deny }");
    expect(await folder.acl(["explain", folder.write("bad.acl", "policy a {")])).toMatchObject({ status: 65 });
    expect(await folder.acl(["explain", "none.acl"])).toMatchObject({ status: 66 });
  });
});

describe("audit lines", () => {
  const line = {
    v: 1,
    time: "2026-01-31T18:00:00.000Z",
    event: "decision",
    command: "socks",
    session: "s-1",
    client: "192.0.2.1:40000",
    protocol: "socks5",
    target: "Git.corp.test:22",
    decision: "allow",
    policy: "before",
    reason: "policy",
    dest: "10.1.2.3:22",
    policies: "d1",
    facts: { "client.ou": ["ops"] },
  };
  const lines = (...all: object[]) => all.map((one) => `${JSON.stringify(one)}\n`).join("");

  test("are decided with the addresses that they hold, and beside what was recorded", async () => {
    const { status, stdout } = await explain(["-", "--exit-status"], lines(line));
    expect([status, stdout]).toEqual([0, expect.stringContaining("allow by git\n  recorded as allow by before\n")]);
  });

  test("one after the other, other events left out", async () => {
    const close = { ...line, event: "close" };
    const denied = { ...line, target: "x.test:1", decision: "deny", policy: null, reason: "default", dest: undefined };
    const { status, stdout } = await explain(
      ["-", "--format", "json", "--exit-status"],
      `\n${lines(line, close, denied)}`,
    );
    expect(status).toBe(1);
    const outcomes = stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(outcomes.map(({ decision }) => decision.outcome)).toEqual(["allow", "deny"]);
    expect(outcomes[1].recorded).toEqual({ decision: "deny", policy: null });
  });

  test("datagrams that were refused behind the default backend are so again", async () => {
    folder.write("udp.acl", 'policy a { when proxy.cmd == "udp_associate" action allow }');
    const facts = { "proxy.cmd": "udp_associate" };
    const refused = { ...line, decision: "deny", policy: "a", reason: "backend", dest: undefined, facts };
    const { stdout } = await folder.acl(["explain", "udp.acl", "-"], { stdin: lines(refused) });
    expect(stdout).toStartWith("deny by a: the policy allows, but a backend takes no datagrams\n");
    expect(stdout).toContain("\n  recorded as deny by a (backend)\n");
  });

  test("a fact that the line has no word about is said to be that", async () => {
    const { stdout } = await explain(["-"], lines({ ...line, facts: {} }));
    expect(stdout).toContain("the audit line does not say whether there was a client.ou");
  });

  test.each([
    ["not json\n", "line 1 of standard input is no audit line"],
    [`${JSON.stringify(line)}\n{"v":9}\n`, "line 2 of standard input is no audit line"],
    ["", "holds no decision"],
  ])("%j is refused", async (stdin, message) => {
    expect(await explain(["-"], stdin)).toMatchObject({ status: 65, stderr: expect.stringContaining(message) });
  });
});
