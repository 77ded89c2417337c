/** `--explain-acl` and `--templates` as curl meets them: nothing by default, more where allowed, and broken ones change nothing. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { scenario } from "../../support/scenario.ts";

const POLICY = `
policy noted { when port == 80 action log }
policy secret_rule { when host == "closed.example" action deny }
policy by_template { when host == "own.example" action deny explain-template="own" }
policy staff { when host == "staff.example" require method == "PUT" action allow }
policy asks { when host == "asks.example" and client.cn == "alice" action allow }
`;
/** Whoever sends this header may know; that it is missing shows nothing. */
const EXPLAIN = 'policy trusted { when header.x-trusted == "yes" and decision.outcome == "deny" action allow }';

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let proxy: AccessProxy;
  let explain: string;
  let own: string;
  let args: string[];
  beforeAll(async () => {
    explain = scene.write("explain.acl", EXPLAIN);
    own = scene.write("templates/own.txt", "own: {{host}} {{reason}}.\n");
    args = ["--explain-acl", explain, "--templates", scene.path("templates")];
    proxy = await portail.socks({ policy: POLICY, args });
  });

  const ask = async (host: string, ...more: string[]) => {
    return (await curl(["--proxy", proxy.url("http"), "--include", ...more, `http://${host}/`])).stdout;
  };
  const TRUSTED = ["--header", "X-Trusted: yes"];

  test("whom it does not name: the denial, and the audit has the rest", async () => {
    for (const more of [[], ["--header", "X-Trusted: no"]]) {
      for (const host of ["closed.example", "staff.example", "asks.example"]) {
        const answer = await ask(host, ...more);
        expect(answer).toContain("Proxy-Status: portail; error=http_request_denied\r\n");
        expect(answer).toEndWith("\r\n\r\n403 Forbidden: the access policy does not allow this\n");
      }
    }
    expect(await proxy.decision("closed.example:80")).toMatchObject({ policy: "secret_rule", logged: ["noted"] });
    expect(await proxy.decision("asks.example:80")).toMatchObject({ policy: "asks", missing: "client.cn" });
  });

  test("whom it names: policy, requirement, missing fact", async () => {
    const closed = await ask("closed.example", ...TRUSTED);
    expect(closed).toContain('; details="reason=policy policy=secret_rule"\r\n');
    expect(closed).toMatch(/this\nreason: a policy says so\npolicy: secret_rule\nreference: [0-9a-f]{8}-\w+\n$/);
    expect(await ask("staff.example", ...TRUSTED)).toContain('\nrequired: method == "PUT"\n');
    expect(await ask("asks.example", ...TRUSTED)).toContain("\npolicy: asks\nnot known: client.cn\n");
  });

  test("CONNECT is answered in the same words", async () => {
    const head = scene.path("connect-head");
    const headers = ["--proxy-header", "X-Trusted: yes", "--dump-header", head];
    await curl(["--proxy", proxy.url("http"), "--proxytunnel", ...headers, "http://closed.example/"]);
    expect(await Bun.file(head).text()).toContain('details="reason=policy policy=secret_rule"');
  });

  test("a template says what it may, and nothing more", async () => {
    expect(await ask("own.example")).toEndWith("\r\n\r\nown: own.example .\n");
    expect(await ask("own.example", ...TRUSTED)).toEndWith("\r\n\r\nown: own.example a policy says so.\n");
  });

  test("a broken template or explain policy at a reload keeps the old", async () => {
    for (const [path, good, broken] of [
      [own, "new: {{host}}\n", "{{hots}}"],
      [explain, EXPLAIN, "policy broken {"],
    ] as const) {
      scene.write(path.slice(scene.folder.length + 1), broken);
      expect(await proxy.reload(POLICY)).toMatchObject({ outcome: "kept" });
      expect(await ask("own.example")).toEndWith("own: own.example .\n");
      expect(await ask("closed.example", ...TRUSTED)).toContain("policy: secret_rule");
      scene.write(path.slice(scene.folder.length + 1), path === own ? "own: {{host}} {{reason}}.\n" : good);
    }
    expect(await proxy.reload(POLICY)).toMatchObject({ outcome: "done" });
  });

  test("at the start they are errors, with a hint", async () => {
    const acl = scene.write("start.acl", POLICY);
    const broken = scene.write("broken.acl", "policy p { when hots == 1 action allow }");
    const start = (...more: string[]) => portail.run(["socks", "--listen", "127.0.0.1:0", "--acl", acl, ...more]);
    const missing = await start("--templates", scene.mkdir("empty"));
    expect(missing).toMatchObject({ status: 66, stderr: expect.stringContaining("[template.missing]\n  hint: ") });
    const invalid = await start("--explain-acl", broken);
    expect(invalid).toMatchObject({ status: 65, stderr: expect.stringContaining("[acl.invalid]\n  hint: ") });
  });
});
