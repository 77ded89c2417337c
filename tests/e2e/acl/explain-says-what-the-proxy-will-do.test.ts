/** `portail acl explain` gives the verdict, and the policy, that `portail socks` then comes to. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { openNames } from "../../support/names.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  test("weakness 6.4.12: for names, literals, redirects and the address guard", async () => {
    const web = openWeb(scene);
    const names = await openNames(scene, { "in.test": ["127.0.0.1"], "mixed.test": ["10.0.0.1", "127.0.0.1"] });
    const policy = `policy closed { when host under "closed.test" action deny }
policy moved { when host == "moved.test" action redirect "in.test:${web.port}" }
policy unnamed { when host == "in.test" and port == 1 action allow }
policy local { when dest.ip in 127.0.0.0/8 and port == ${web.port} action allow }
`;
    const proxy = await portail.socks({ policy, args: ["--resolver", names.address] });
    const cases: [target: string, resolves: string][] = [
      [`in.test:${web.port}`, "127.0.0.1"],
      [`mixed.test:${web.port}`, "10.0.0.1,127.0.0.1"],
      [`a.closed.test:${web.port}`, "none"],
      [`none.test:${web.port}`, "none"],
      ["in.test:1", "127.0.0.1"],
      [`127.1:${web.port}`, "none"],
      ["moved.test:80", "127.0.0.1"],
    ];
    for (const [target, resolves] of cases) {
      await curl(["--proxy", proxy.url("socks5h"), "--max-time", "5", `http://${target}/hello`]);
      const [host, port] = target.split(":");
      // curl makes addresses canonical before it asks.
      const asked = host === "127.1" ? `127.0.0.1:${port}` : target;
      const record = await proxy.decision(asked);
      const facts = ["command=socks", `host=${host}`, `port=${port}`, "proxy.protocol=socks5"];
      const args = ["acl", "explain", proxy.policyFile, ...facts, "--resolves", resolves, "--format", "json"];
      const { stdout, status } = await portail.run([...args, "--exit-status"]);
      const { decision, unresolved } = JSON.parse(stdout);
      expect([target, decision.outcome, decision.policy ?? null]).toEqual([target, record.decision, record.policy]);
      expect([target, unresolved ? "unresolved" : decision.reason]).toEqual([target, record.reason]);
      expect([target, decision.guardClass]).toEqual([target, record.guard]);
      expect(status).toBe(record.decision === "allow" ? 0 : 1);
    }
  });
});
