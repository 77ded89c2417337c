/** Redirect targets: the forms of RFC 3986 that name a host. */
import { expect, test } from "bun:test";
import { parseRedirect } from "../../../../lib/acl/redirect.ts";
import { ip } from "./support.ts";

test.each([
  ["new.test", { host: "new.test" }],
  ["NEW.test.:8443", { host: "new.test", port: 8443 }],
  ["bücher.example:1", { host: "xn--bcher-kva.example", port: 1 }],
  ["127.1:80", { host: "127.0.0.1", ip: ip("127.0.0.1"), port: 80 }],
  ["[2001:DB8::1]:443", { host: "2001:db8::1", ip: ip("2001:db8::1"), port: 443 }],
  ["http://new.test", { host: "new.test", port: 80, scheme: "http" }],
  ["HTTPS://new.test/a/b?c=d", { host: "new.test", port: 443, scheme: "https", path: "/a/b?c=d" }],
  ["https://new.test:8443?x", { host: "new.test", port: 8443, scheme: "https", path: "?x" }],
  ["wss://[::1]/", { host: "::1", ip: ip("::1"), port: 443, scheme: "wss", path: "/" }],
  ["foo://new.test:9", { host: "new.test", port: 9, scheme: "foo" }],
])("%s", (text, target) => expect(parseRedirect(text).target).toEqual(target));

test.each([
  "",
  "/login",
  "*",
  ":80",
  "http://",
  "http:///x",
  "https://:443/",
  "a:b",
  "a.test:0",
  "a.test:65536",
  "a.test:",
  "user@a.test",
  "https://user:pw@a.test/",
  "foo://a.test",
  "a b",
  "a.test/x",
  "[::1",
  "::1",
  "http://a.test/#x",
  "http:a.test",
  "1.2.3.4.5",
])("refuses %j", (text) => expect(parseRedirect(text).error).toBeString());
