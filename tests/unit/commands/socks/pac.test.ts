/** The PAC file by what the proxy listens on, run as a browser runs it. */
import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { runInNewContext } from "node:vm";
import { pacRoute } from "../../../../commands/socks/pac.ts";
import type { SocketAddress } from "../../../../lib/net/conn.ts";
import { asking } from "../../../support/asking.ts";

async function proxies(listen: SocketAddress[], tls = false, query = ""): Promise<string> {
  const { status, type, body } = await pacRoute(listen, tls).answer(new URLSearchParams(query), asking());
  expect([status, type]).toEqual([200, "application/x-ns-proxy-autoconfig"]);
  return runInNewContext(`${body}; FindProxyForURL("http://a.test/", "a.test")`) as string;
}

test.each<[string, SocketAddress[], boolean, string, string]>([
  ["one address", [{ ip: "127.0.0.1", port: 1080 }], false, "", "PROXY 127.0.0.1:1080"],
  ["IPv6", [{ ip: "::1", port: 1080 }], false, "", "PROXY [::1]:1080"],
  ["over TLS", [{ ip: "192.0.2.7", port: 443 }], true, "", "HTTPS 192.0.2.7:443"],
  [
    "every address",
    [
      { ip: "::", port: 1 },
      { ip: "0.0.0.0", port: 2 },
    ],
    false,
    "",
    `PROXY ${hostname()}:1; PROXY ${hostname()}:2`,
  ],
  ["a name", [{ ip: "0.0.0.0", port: 1080 }], true, "host=Proxy.Corp.Example.", "HTTPS proxy.corp.example:1080"],
  ["an address as the name", [{ ip: "::", port: 1080 }], false, "host=[2001:db8::1]", "PROXY [2001:db8::1]:1080"],
  ["a UNIX socket beside", [{ path: "/run/x" }, { ip: "127.0.0.1", port: 1080 }], false, "", "PROXY 127.0.0.1:1080"],
])("%s", async (_, listen, tls, query, expected) => expect(await proxies(listen, tls, query)).toBe(expected));

test("no name can end the text that it stands in, or name another proxy", async () => {
  for (const host of ['a"', "a; DIRECT", "a\n", "a:1", "", "\\"]) {
    const query = new URLSearchParams({ host });
    expect(await pacRoute([{ ip: "127.0.0.1", port: 1 }], false).answer(query, asking())).toMatchObject({
      status: 400,
    });
  }
});

test("without a TCP port there is none", async () => {
  expect(await pacRoute([{ path: "/run/x" }], false).answer(new URLSearchParams(), asking())).toMatchObject({
    status: 404,
  });
});
