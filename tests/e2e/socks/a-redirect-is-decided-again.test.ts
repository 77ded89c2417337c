/** `redirect` as clients meet it: the target is decided anew, in every protocol; what names no host does not load. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    const policy = `
policy there { when host == "old.example" action redirect "127.0.0.1:${web.port}" }
policy url { when host == "url.example" action redirect "http://127.0.0.1:${web.port}/other" }
policy keeps_port { when host == "port.example" action redirect "127.0.0.1" }
policy closed { when host == "trap.example" action redirect "inside.example:22" }
policy scheme { when host == "scheme.example" action redirect "https://inside.example/" }
policy round { when host == "round.example" action redirect "round.example" }
policy local { when dest.ip == 127.0.0.1 and port == ${web.port} action allow }
`;
    proxy = await portail.socks({ policy });
  });

  for (const args of [[], ["--proxytunnel"]]) {
    for (const scheme of args.length > 0 ? ["http"] : ["http", "socks5h", "socks4a"]) {
      test(`weakness 6.1.4: ${[scheme, ...args].join(" ")}: an allowed target answers, and the client is told of no redirect`, async () => {
        for (const host of ["old.example", "url.example", "port.example"]) {
          proxy.forget();
          const url = `http://${host}:${web.port}/hello`;
          const { stdout } = await curl(["--proxy", proxy.url(scheme), ...args, "--write-out", "%{http_code}", url]);
          expect(stdout).toBe("hello from the web\n200");
          expect(await proxy.decision(`${host}:${web.port}`)).toMatchObject({
            decision: "allow",
            policy: "local",
            redirected: `127.0.0.1:${web.port}`,
          });
        }
      });

      test(`weakness 6.2.19: ${[scheme, ...args].join(" ")}: a target that nothing allows is denied, and not told`, async () => {
        for (const [host, redirected, reason] of [
          ["trap.example", "inside.example:22", "default"],
          ["scheme.example", "inside.example:443", "default"],
          ["round.example", "round.example:80", "depth"],
        ]) {
          proxy.forget();
          const { stdout, stderr } = await curl([
            "--proxy",
            proxy.url(scheme),
            ...args,
            "--include",
            `http://${host}/`,
          ]);
          expect(await proxy.decision(`${host}:80`)).toMatchObject({ decision: "deny", redirected, reason });
          expect(stdout + stderr).not.toContain("inside");
          if (scheme === "http") expect(stdout).toStartWith("HTTP/1.1 403 ");
        }
      });
    }
  }

  test.each(["/path", "https:///path", "http://", "*", "https://:443/", "gopher://a.example/"])(
    "weakness 6.1.4: a policy that redirects to %j does not load",
    async (target) => {
      const acl = scene.write("hostless.acl", `policy p { action redirect "${target}" }`);
      const { status, stderr } = await portail.run(["socks", "--listen", "127.0.0.1:0", "--acl", acl]);
      expect(status).toBe(65);
      expect(stderr).toContain("[acl.bad_redirect]");
      expect(stderr).not.toContain("listening on");
    },
  );
});
