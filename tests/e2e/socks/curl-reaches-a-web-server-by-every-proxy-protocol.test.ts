/** `portail socks` with curl in each of its proxy modes, to names, IPv4 and IPv6 addresses. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { openNames, type Names } from "../../support/names.ts";
import { scenario } from "../../support/scenario.ts";
import { content, digest, hasIpv6, openWeb, type Web } from "../../support/web.ts";

const SIZE = 8 * 1024 * 1024;

/** The ways of curl, each with the protocol and the target as our records are to show them. */
const WAYS = [
  { way: "socks4", args: [], protocol: "socks4", resolves: "curl", ipv6: false },
  { way: "socks4a", args: [], protocol: "socks4", resolves: "portail", ipv6: false },
  { way: "socks5", args: [], protocol: "socks5", resolves: "curl", ipv6: true },
  { way: "socks5h", args: [], protocol: "socks5", resolves: "portail", ipv6: true },
  { way: "http", args: [], protocol: "http", resolves: "portail", ipv6: true },
  { way: "http", args: ["--proxytunnel"], protocol: "http", resolves: "portail", ipv6: true },
] as const;

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let names: Names;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    names = await openNames(scene, { "www.e2e.example": ["127.0.0.1"], "six.e2e.example": ["::1"] });
    proxy = await portail.socks({ policy: allowLocal(web.port), args: ["--resolver", names.address] });
  });

  for (const { way, args, protocol, resolves, ipv6 } of WAYS) {
    const title = [way, ...args].join(" ");
    const through = (more: readonly string[]) => curl(["--proxy", proxy.url(way), ...args, ...more]);
    const arrives = async (host: string, target: string, dest: string, more: string[] = []) => {
      proxy.forget();
      const outcome = await through([...more, `http://${host}:${web.port}/hello`]);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
      const decision = await proxy.decision(`${target}:${web.port}`);
      expect(decision).toMatchObject({ protocol, decision: "allow", policy: "local", dest: `${dest}:${web.port}` });
      const end = await proxy.record("close", ({ session }) => session === decision.session);
      expect(end.received).toBeGreaterThan("hello from the web\n".length);
      expect(web.requests.at(-1)).toMatchObject({ path: "/hello", host: `${host}:${web.port}` });
    };

    test(`${title}, an IPv4 address`, () => arrives("127.0.0.1", "127.0.0.1", "127.0.0.1"));

    if (ipv6 && hasIpv6()) test(`weakness 6.1.5: ${title}, an IPv6 address`, () => arrives("[::1]", "[::1]", "[::1]"));

    if (resolves === "portail") {
      test(`${title}, a name that only the proxy can resolve`, async () => {
        names.asked.length = 0;
        await arrives("www.e2e.example", "www.e2e.example", "127.0.0.1");
        expect(names.asked).toContain("www.e2e.example");
        if (hasIpv6()) await arrives("six.e2e.example", "six.e2e.example", "[::1]");
      });
    } else {
      test(`${title}, a name that curl resolves`, async () => {
        names.asked.length = 0;
        const resolved = ["--resolve", `www.e2e.example:${web.port}:127.0.0.1`];
        await arrives("www.e2e.example", "127.0.0.1", "127.0.0.1", resolved);
        expect(names.asked).toEqual([]);
      });
    }

    test(`${title}, a body of 8 MiB in either direction`, async () => {
      const path = scene.path(`body-${title}`);
      const url = `http://127.0.0.1:${web.port}`;
      const down = await through(["--output", path, `${url}/bytes/${SIZE}`]);
      const up = await through(["--upload-file", path, `${url}/digest`]);
      expect([down.status, up.status]).toEqual([0, 0]);
      expect(up.stdout).toBe(digest(content(SIZE)));
    });
  }
});
