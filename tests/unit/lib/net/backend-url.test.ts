/** URLs of backends: what each kind is, and what is refused. */
import { expect, test } from "bun:test";
import { PortailError } from "../../../../lib/command/errors.ts";
import { MOST_CONNECTIONS, parseBackendUrl } from "../../../../lib/net/backend-url.ts";

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
  const urls = [
    "http://h:3128",
    "https://h",
    "h2c://ann:secret@h:3128",
    "socks5://h",
    "socks5h://h",
    "socks5+tls://h",
  ].map(parse);
  expect(urls.map((url) => (url.kind === "proxy" ? String(url.proxy) : url.kind))).toEqual([
    "http://h:3128",
    "https://h:443",
    "h2c://h:3128",
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

test("which may be, and which must be, spoken to over HTTP/2", () => {
  const use = (text: string) => {
    const url = parse(text);
    return url.kind === "proxy" ? url.http2 : undefined;
  };
  expect(use("https://h")).toEqual({ http1: true, most: MOST_CONNECTIONS });
  expect(use("h2c://h:1")).toEqual({ http1: false, most: MOST_CONNECTIONS });
  expect(use("H2C://[2001:db8::1]")).toEqual({ http1: false, most: MOST_CONNECTIONS });
  for (const text of ["http://h", "socks5://h", "socks5+tls://h", "same+tls://h:1"]) expect(use(text)).toBeUndefined();
});

test.each([
  ["h2://h", "proxy.url"],
  ["h2c://", "proxy.url"],
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
