/** Names under which a page may be asked for. */
import { expect, test } from "bun:test";
import { isAskedOfUs } from "../../../../lib/service/asked-host.ts";

const asked = (host: string | undefined) => isAskedOfUs(host, (name) => name === "proxy.example");

test.each([
  "localhost",
  "localhost:9100",
  "LocalHost.",
  "a.localhost:1",
  "127.0.0.1:9100",
  "192.0.2.7",
  "[::1]:9100",
  "[2001:db8::1]",
  "proxy.example",
  "Proxy.Example.:80",
])("%s is ours", (host) => expect(asked(host)).toBe(true));

test.each([
  undefined,
  "",
  "evil.example",
  "evil.example:9100",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "evil@localhost",
  "evil.example@127.0.0.1",
  "localhost,evil.example",
  "localhost:80:80",
  "localhost:",
  "localhost:x",
  "[::1]evil.example",
  "[127.0.0.1]",
  "[]",
  "::1",
  "proxy.example.evil.example",
  "notlocalhost",
  "proxy.example/",
  " localhost",
  "0x7f.evil",
  "..",
])("%j is not", (host) => expect(asked(host)).toBe(false));
