/** URLs of backends: what each kind is, and what is refused. */
import { expect, test } from "bun:test";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseBackendUrl } from "../../../../lib/net/backend-url.ts";

const parse = (text: string) => parseBackendUrl(text, "[backend.x]");

test("kinds", () => {
  expect(parse("direct")).toEqual({ kind: "direct" });
  expect(parse("ssh://bastion")).toEqual({ kind: "ssh", destination: "bastion", port: undefined });
  expect(parse("ssh://ann@bastion.example:2222")).toEqual({
    kind: "ssh",
    destination: "ann@bastion.example",
    port: "2222",
  });
  expect(parse("ssh://[2001:db8::1]:22")).toEqual({ kind: "ssh", destination: "2001:db8::1", port: "22" });
  const urls = ["http://h:3128", "https://h", "socks5://h", "socks5h://h", "socks5+tls://h"].map(parse);
  expect(urls.map((url) => (url.kind === "proxy" ? String(url.proxy) : url.kind))).toEqual([
    "http://h:3128",
    "https://h:443",
    "socks5://h:1080",
    "socks5://h:1080",
    "socks5+tls://h:1080",
  ]);
  const same = parse("same://127.0.0.1:8080");
  expect(same.kind === "same" && [String(same.socks5), String(same.http)]).toEqual([
    "socks5://127.0.0.1:8080",
    "http://127.0.0.1:8080",
  ]);
});

test.each([
  ["gopher://h", "proxy.url"],
  ["h:1080", "proxy.url"],
  ["same://", "proxy.url"],
  ["ssh://", "backend.target"],
  // An option of ssh, were it given as a destination.
  ["ssh://-oProxyCommand=x", "backend.target"],
  ["ssh://-l@h", "backend.target"],
  ["ssh://h/path", "backend.target"],
])("%p is refused", (text, code) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code }) as never);
  expect(() => parse(text)).toThrow(PortailError);
});
