/** What the policy language of cloud-gouv/portail has no words for, each decided by the program itself. */
import { expect, test } from "bun:test";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, [], ({ scene, portail }) => {
  /** What becomes of a request with these facts: the outcome and who decided. */
  const decide = async (policy: string, ...facts: string[]) => {
    const file = scene.write("policy.acl", policy);
    const { status, stdout, stderr } = await portail.run(["acl", "explain", file, ...facts, "--format", "json"]);
    expect([status, stderr]).toEqual([0, ""]);
    const { decision } = JSON.parse(stdout) as { decision: { outcome: string; policy?: string } };
    return `${decision.outcome} ${decision.policy ?? "default"}`;
  };
  /** The mistakes that it is refused for. */
  const mistakes = async (policy: string) => {
    const file = scene.write("policy.acl", policy);
    const { status, stderr } = await portail.run(["acl", "explain", file, "port=1"]);
    expect(status).toBe(65);
    return Array.from(stderr.matchAll(/error: .* \[(acl\.\w+)\]$/gm), ([, code]) => code);
  };
  const PUBLIC = "dest.ip=192.0.2.1";

  test("weakness 6.4.1: comments", async () => {
    const policy = '# who\npolicy a { // why\n  when port == 443 # "not" { this\n  action deny }';
    expect(await decide(policy, "port=443")).toBe("deny a");
    expect(await decide("# policy a { action deny }", "port=443")).toBe("deny default");
  });

  test("weakness 6.4.2: includes of policies and of lists", async () => {
    scene.write("team.acl", 'policy team { when host in blocked action deny }\nset blocked = lines "blocked.txt"');
    scene.write("blocked.txt", "a.test\nb.test # since Monday\n");
    const policy = 'include "team.acl"\npolicy rest { action challenge "x" }';
    expect(await decide(policy, "host=b.test")).toBe("deny team");
    expect(await decide(policy, "host=c.test")).toBe("challenge rest");
  });

  test("weakness 6.4.3: escapes in strings", async () => {
    const policy = String.raw`policy a { when path == e"/\"x\"\u{20ac}\t" action deny }`;
    expect(await decide(policy, 'path=/"x"€\t')).toBe("deny a");
    expect(await decide(policy, String.raw`path=/\"x\"`)).toBe("deny default");
  });

  test("weakness 6.4.4: addresses and networks are a type", async () => {
    const policy = "policy a { when client.ip in [10.0.0.0/8, 2001:db8::/32] or client.ip == 192.0.2.7 action deny }";
    for (const ip of ["10.255.0.1", "2001:db8:ffff::1", "2001:0DB8:0:0:0:0:0:1", "192.0.2.7", "::ffff:10.0.0.1"])
      expect([ip, await decide(policy, `client.ip=${ip}`)]).toEqual([ip, "deny a"]);
    for (const ip of ["11.0.0.1", "2001:db9::1"])
      expect([ip, await decide(policy, `client.ip=${ip}`)]).toEqual([ip, "deny default"]);
    expect(await mistakes("policy a { when client.ip in [10.0.0.1/8] action deny }")).toEqual(["acl.bad_address"]);
  });

  test("weakness 6.4.5: a domain and what is below it", async () => {
    const policy = 'policy a { when host under "corp.test" action deny }';
    for (const host of ["corp.test", "a.b.corp.test", "A.CORP.TEST."])
      expect([host, await decide(policy, `host=${host}`)]).toEqual([host, "deny a"]);
    for (const host of ["evilcorp.test", "corp.test.evil"])
      expect([host, await decide(policy, `host=${host}`)]).toEqual([host, "deny default"]);
  });

  test("weakness 6.4.6: sets of numbers, and ranges", async () => {
    const policy = "policy a { when port in [22, 8000-8999] action deny }";
    for (const port of [22, 8000, 8999]) expect(await decide(policy, `port=${port}`)).toBe("deny a");
    for (const port of [23, 7999, 9000]) expect(await decide(policy, `port=${port}`)).toBe("deny default");
  });

  test("weakness 6.4.7: a list has a name, and is used again", async () => {
    const policy = `set web = [80, 443]
policy secret { when host == "a.test" and port in web action deny }
policy open { when port in web action allow }`;
    expect(await decide(policy, "host=a.test", "port=443", PUBLIC)).toBe("deny secret");
    expect(await decide(policy, "host=b.test", "port=80", PUBLIC)).toBe("allow open");
    expect(await mistakes("policy a { when port in webb action deny }\nset web = [80]")).toEqual(["acl.unknown_set"]);
  });

  test("weakness 6.4.8: not in", async () => {
    const policy = 'policy a { when port not in [80, 443] and host not under "corp.test" action deny }';
    expect(await decide(policy, "port=22", "host=a.test")).toBe("deny a");
    expect(await decide(policy, "port=80", "host=a.test")).toBe("deny default");
    expect(await decide(policy, "port=22", "host=a.corp.test")).toBe("deny default");
  });

  test("weakness 6.4.9: types are checked before anything is decided", async () => {
    for (const condition of [
      'port == "443"',
      "host == 443",
      "host < 3",
      'port =~ "4"',
      "client.ip in [80]",
      'true == "x"',
    ])
      expect([condition, await mistakes(`policy a { when ${condition} action deny }`)]).toEqual([
        condition,
        ["acl.type_mismatch"],
      ]);
  });

  test("weakness 6.4.10: a fact that there is not is found when the policy is loaded", async () => {
    expect(await mistakes('policy a { when hots == "a.test" or client.name == "x" action deny }')).toEqual([
      "acl.unknown_fact",
      "acl.unknown_fact",
    ]);
  });

  test("weakness 6.4.14: diagnostics for programs, with their places", async () => {
    const text =
      'policy a { when hots == "a" action deny }\npolicy b { when port in [80, 70000000000000000000] action deny }\n';
    const file = scene.write("broken.acl", text);
    const { status, stdout, stderr } = await portail.run(["acl", "lint", "--format", "json", file]);
    expect([status, stderr]).toEqual([65, expect.stringContaining("[acl.invalid]")]);
    const { findings, diagnostics } = JSON.parse(stdout) as { findings: unknown[]; diagnostics: Diagnostic[] };
    expect(findings).toEqual([]);
    expect(
      diagnostics.map(({ code, file, line, column, start, end }) => [code, file, line, column, text.slice(start, end)]),
    ).toEqual([
      ["acl.unknown_fact", file, 1, 17, "hots"],
      ["acl.number_range", file, 2, 30, "70000000000000000000"],
    ]);
    expect(diagnostics[0]).toMatchObject({ severity: "error", hint: 'did you mean "host"?' });
  });

  test("weakness 6.3.5: a mistake in a list of 300,000 hosts is shown, and not the list", async () => {
    const hosts = Array.from({ length: 300_000 }, (_, i) => `"h${i}.test"`);
    const file = scene.write(
      "long.acl",
      `policy a {\n  when host in [\n${hosts.join(",\n")}\n] and hots == "x"\n  action deny\n}\n`,
    );
    const { status, stderr } = await portail.run(["acl", "explain", file, "port=1"]);
    expect(status).toBe(65);
    expect(stderr).toContain(`${file}:300003:7: error: unknown fact "hots"`);
    expect(stderr.length).toBeLessThan(1000);
  });
});

interface Diagnostic {
  code: string;
  file: string;
  line: number;
  column: number;
  start: number;
  end: number;
}
