/** Which proxy an environment names, and for whom not. */
import { expect, test } from "bun:test";
import { PortailError } from "../../../../lib/command/errors.ts";
import { environmentProxy } from "../../../../lib/net/environment-proxy.ts";

const of = (env: Record<string, string>, host = "gate.example", port = 443) =>
  environmentProxy(env, { host, port })?.toString();

test.each([
  [{}, undefined],
  [{ https_proxy: "http://a:1" }, "http://a:1"],
  [{ HTTPS_PROXY: "http://a:1" }, "http://a:1"],
  [{ https_proxy: "http://a:1", HTTPS_PROXY: "http://b:1", all_proxy: "http://c:1" }, "http://a:1"],
  [{ https_proxy: " ", ALL_PROXY: "socks5h://c" }, "socks5://c:1080"],
  [{ all_proxy: "c:3128" }, "http://c:3128"],
  [{ http_proxy: "http://a:1" }, undefined],
])("%j: %p", (env, proxy) => expect(of(env)).toBe(proxy));

test.each([
  ["*", "gate.example", false],
  ["gate.example", "gate.example", false],
  ["other.test, Example", "gate.example.", false],
  [".example", "gate.example", false],
  ["*.example", "gate.example", false],
  ["gate.example:443", "gate.example", false],
  ["gate.example:444", "gate.example", true],
  ["ate.example", "gate.example", true],
  ["a.gate.example . ,", "gate.example", true],
  ["192.0.2.7", "192.0.2.7", false],
  ["192.0.2.0/24", "192.0.2.7", false],
  ["192.0.2.7/24", "192.0.2.9", false],
  ["192.0.2.7:443", "192.0.2.7", false],
  ["192.0.2.7:80", "192.0.2.7", true],
  ["192.0.2", "192.0.2.7", true],
  ["2", "192.0.2.2", true],
  ["2001:db8::/32", "2001:db8::7", false],
  ["[2001:DB8::7]:443", "2001:db8::7", false],
  ["[2001:db8::7]:80", "2001:db8::7", true],
  ["2001:db8::8", "2001:db8::7", true],
])("no_proxy %j: %s goes through it: %p", (list, host, proxied) => {
  for (const name of ["no_proxy", "NO_PROXY"])
    expect(of({ https_proxy: "http://a:1", [name]: list }, host)).toBe(proxied ? "http://a:1" : undefined);
});

test.each(["localhost", "LocalHost.", "127.0.0.1", "127.9.9.9", "::1"])("%s is this machine", (host) => {
  expect(of({ https_proxy: "http://a:1" }, host)).toBeUndefined();
});

test("one that is wrong is refused by its name, without its password", () => {
  const wrong = () => of({ HTTPS_PROXY: "socks4://ann:secret@p" });
  expect(wrong).toThrow(PortailError);
  expect(wrong).toThrow(/^HTTPS_PROXY: proxies of the scheme "socks4" are not known$/);
});
