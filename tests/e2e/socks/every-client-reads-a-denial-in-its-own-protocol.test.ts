/** A denial as curl shows it in each proxy mode, as ncat shows it, and as the audit records it. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

/** The status with which curl ends, and what it says of the reply: SOCKS5 2 (RFC 1928), SOCKS4 91, HTTP 403. */
const WAYS = [
  { way: "socks4a", args: [], status: 97, says: /\(91\)/, protocol: "socks4" },
  { way: "socks5h", args: [], status: 97, says: /\(2\)/, protocol: "socks5" },
  { way: "http", args: ["--proxytunnel"], status: 56, says: /CONNECT tunnel failed, response 403/, protocol: "http" },
  { way: "http", args: ["--fail"], status: 22, says: /The requested URL returned error: 403/, protocol: "http" },
] as const;

const HOST = "printer.secret-rule.example";

scenario(import.meta.file, ["curl", "ncat"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    const policy = [
      `set closed = ["${HOST}"]`,
      `policy no_printers { when host in closed action deny }`,
      `policy local { when dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }`,
    ];
    proxy = await portail.socks({ policy: policy.join("\n") });
  });

  for (const { way, args, status, says, protocol } of WAYS) {
    const title = [way, ...args].join(" ");
    const refused = async (host: string, port: number) => {
      proxy.forget();
      const outcome = await curl(["--proxy", proxy.url(way), ...args, `http://${host}:${port}/hello`]);
      expect(outcome).toMatchObject({ status, stdout: "" });
      expect(outcome.stderr).toMatch(says);
      expect(outcome.stderr).not.toMatch(/no_printers|closed|default/);
      expect(web.requests).toEqual([]);
      return proxy.decision(`${host}:${port}`);
    };

    test(`${title}: denied by a policy`, async () => {
      const decision = await refused(HOST, 80);
      expect(decision).toMatchObject({ protocol, decision: "deny", policy: "no_printers", reason: "policy" });
      expect(decision.facts).toMatchObject({ host: HOST });
      expect(decision).not.toHaveProperty("dest");
    });

    test(`${title}: denied since no policy allows it`, async () => {
      const decision = await refused("127.0.0.1", 1);
      expect(decision).toMatchObject({ protocol, decision: "deny", policy: null, reason: "default" });
    });
  }

  for (const args of [["--proxytunnel"], []]) {
    const title = args.length > 0 ? "CONNECT" : "GET";
    test(`weakness 6.4.18: ${title}: status, Proxy-Status and a short reason, and no word of the rule`, async () => {
      const headers = scene.path(`headers-${title}`);
      const url = `http://${HOST}/hello`;
      const { stdout } = await curl(["--proxy", proxy.url("http"), ...args, "--dump-header", headers, url]);
      const head = await Bun.file(headers).text();
      expect(head).toStartWith("HTTP/1.1 403 Forbidden\r\n");
      expect(head).toMatch(/^Proxy-Status: portail; error=http_request_denied\r$/m);
      expect(head + stdout).not.toMatch(/no_printers|closed/);
      // curl does not show the body of a refused CONNECT.
      expect(stdout).toBe(title === "GET" ? "403 Forbidden: the access policy does not allow this\n" : "");
    });
  }

  for (const type of ["socks4", "socks5", "http"]) {
    test(`ncat --proxy-type ${type} opens nothing`, async () => {
      const through = ["--proxy", `127.0.0.1:${proxy.port}`, "--proxy-type", type];
      const outcome = await run(["ncat", "-v", "-4", ...through, "127.0.0.1", "1"], { stdin: "anybody there?" });
      expect(outcome.status).not.toBe(0);
      expect(outcome.stdout).toBe("");
      expect(outcome.stderr).toMatch(/proxy/i);
      expect(outcome.stderr).not.toMatch(/Connected to 127/);
    });
  }
});
