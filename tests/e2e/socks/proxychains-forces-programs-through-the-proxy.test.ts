/** proxychains4 puts curl behind the proxy without its knowledge: each type of proxy, names resolved there, chains of two. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { openNames } from "../../support/names.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["proxychains4", "curl"], ({ scene, portail }) => {
  let web: Web;
  let first: AccessProxy;
  let second: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene);
    const { address } = await openNames(scene, { "www.e2e.example": ["127.0.0.1"] });
    second = await portail.socks({ policy: allowLocal(web.port), args: ["--resolver", address] });
    first = await portail.socks({ policy: allowLocal(web.port, second.port), args: ["--resolver", address] });
  });

  const chained = (list: [type: string, port: number][], url: string) => {
    const settings = ["strict_chain", "proxy_dns", "tcp_read_time_out 15000", "tcp_connect_time_out 15000"];
    const proxies = list.map(([type, port]) => `${type} 127.0.0.1 ${port}`);
    const name = `chain-${list.flat().join("-")}.conf`;
    const config = scene.write(name, [...settings, "[ProxyList]", ...proxies, ""].join("\n"));
    const program = ["curl", "-q", "-sS", "--max-time", "15", url];
    return run(["proxychains4", "-q", "-f", config, ...program]);
  };

  for (const [type, protocol] of [
    ["socks4", "socks4"],
    ["socks5", "socks5"],
    ["http", "http"],
  ]) {
    test(`${type}: a name that only the proxy can resolve`, async () => {
      first.forget();
      const outcome = await chained([[type!, first.port]], `http://www.e2e.example:${web.port}/hello`);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
      const decision = await first.decision(`www.e2e.example:${web.port}`);
      expect(decision).toMatchObject({ protocol, decision: "allow", dest: `127.0.0.1:${web.port}` });
    });
  }

  test("a chain of two proxies", async () => {
    first.forget();
    second.forget();
    const list: [string, number][] = [
      ["socks5", first.port],
      ["http", second.port],
    ];
    const outcome = await chained(list, `http://www.e2e.example:${web.port}/hello`);
    expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    expect(await first.decision(`127.0.0.1:${second.port}`)).toMatchObject({ protocol: "socks5", decision: "allow" });
    expect(await second.decision(`www.e2e.example:${web.port}`)).toMatchObject({ protocol: "http", decision: "allow" });
  });

  test("a target that no policy allows", async () => {
    const outcome = await chained([["socks5", first.port]], "http://127.0.0.1:1/");
    expect(outcome).toMatchObject({ status: 7, stdout: "" });
    expect(await first.decision("127.0.0.1:1")).toMatchObject({ decision: "deny", policy: null });
  });

  test("curl --preproxy goes through two instances by itself", async () => {
    for (const [way, protocol, ...args] of [
      ["http", "http"],
      ["http", "http", "--proxytunnel"],
    ]) {
      first.forget();
      second.forget();
      const chain = ["--preproxy", first.url("socks5h"), "--proxy", second.url(way!), ...args];
      const outcome = await curl([...chain, `http://www.e2e.example:${web.port}/hello`]);
      expect(outcome).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
      expect(await first.decision(`127.0.0.1:${second.port}`)).toMatchObject({ protocol: "socks5", decision: "allow" });
      expect(await second.decision(`www.e2e.example:${web.port}`)).toMatchObject({ protocol, decision: "allow" });
    }
  });
});
