/** What the reference logs too freely, records too sparsely and takes verbatim: each is a test here. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { bytesUntilEnd } from "../../support/once.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    const policy = `
policy asks { when host == "asks.example" and client.cn == "alice" action allow }
policy by_token { when host == "token.example" and header.authorization == "other" action allow }
policy local { when dest.ip == 127.0.0.1 and port == ${web.port} action allow }`;
    proxy = await portail.socks({ policy, args: ["--debug"] });
  });

  test("weakness 6.2.14, log leakage: an evaluation that fails puts no fact and no secret into the log", async () => {
    const secret = "Authorization: Bearer s3cr3t-token";
    for (const host of ["asks.example", "token.example"]) {
      const answer = await curl([
        "--proxy",
        proxy.url("http"),
        "--header",
        secret,
        `http://${host}/secret-path?q=s3cr3t`,
      ]);
      expect(answer.stdout).not.toMatch(/s3cr3t|client\.cn/);
      await proxy.decision(`${host}:80`);
    }
    expect(proxy.program.stderr).not.toMatch(/s3cr3t|secret-path|client\.cn/);
    expect(await Bun.file(proxy.auditFile).text()).not.toContain("s3cr3t-token");
  });

  test("weakness 6.2.15, audit gaps: an allowed SOCKS5 destination has policy, address, client, bytes and end", async () => {
    proxy.forget();
    await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
    const target = `127.0.0.1:${web.port}`;
    const decision = await proxy.decision(target);
    expect(decision).toMatchObject({ decision: "allow", policy: "local", protocol: "socks5", dest: target });
    expect(decision.client).toMatch(/^127\.0\.0\.1:\d+$/);
    const close = await proxy.record("close", ({ session }) => session === decision.session);
    expect(close).toMatchObject({ target, dest: target, reason: expect.any(String), duration: expect.any(Number) });
    expect(close.sent).toBeGreaterThan(50);
    expect(close.received).toBeGreaterThan(50);
  });

  test.each([
    ["a control character", "a\u001b[31m.example"],
    ["a space", "a b.example"],
    ["NUL", "a\u0000.example"],
    ["nothing", ""],
    ["line ends", "a\r\nHost: b.example"],
  ])("weakness 6.2.16: a SOCKS5 domain with %s is refused, and recorded as data", async (_, host) => {
    const name = Buffer.from(host);
    const request = Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, name.length]), name, Buffer.from([0, 80])]);
    const answer = await bytesUntilEnd(proxy.port, request);
    // RFC 1928 section 6: a reply other than success.
    expect([...answer.subarray(0, 3)]).toEqual([5, 0, 5]);
    expect(answer[3]).not.toBe(0);
    await proxy.record("reject", ({ message }) => message.includes(host === "" ? "the host is empty" : host));
    expect(proxy.program.stderr).not.toContain("\u001b[31m");
  });
});
