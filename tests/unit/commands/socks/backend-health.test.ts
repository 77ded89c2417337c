/** Tables to checks of backends: defaults, and what is refused with a hint. */
import { expect, test } from "bun:test";
import { parseHealth } from "../../../../commands/socks/backend-health.ts";
import socks from "../../../../commands/socks/index.ts";
import { parseConfig } from "../../../../lib/command/config.ts";

const parse = (keys: string, isDirect = false) => {
  const { tables } = parseConfig(`[backend.x]\ntarget = "http://x:1"\n${keys}\n`, "p.toml", socks as never);
  return parseHealth(tables.backend.get("x")!, "[backend.x]", isDirect);
};

test("without health, and with none, there are no checks", () => {
  expect([parse(""), parse('health = "none"'), parse('health = "none"', true)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("what is not said", () => {
  expect(parse('health = "connect"')).toEqual({ target: undefined, interval: 10_000, fall: 3, rise: 2 });
});

test("what is said", () => {
  const keys = 'health-interval = "1s"\nhealth-fall = 1\nhealth_rise = "7"';
  expect(parse(`health = "WWW.Example.org:443"\n${keys}`)).toEqual({
    target: { host: "www.example.org", port: 443 },
    interval: 1000,
    fall: 1,
    rise: 7,
  });
  expect(parse('health = "[2001:DB8::1]:80"')?.target).toEqual({ host: "2001:db8::1", port: 80 });
  expect(parse('health = "connect:80"')?.target).toEqual({ host: "connect", port: 80 });
});

test.each([
  ['health = "conect"', "is not none, connect or HOST:PORT"],
  ['health = ""', "is not none, connect or HOST:PORT"],
  ['health = ":80"', "is not none, connect or HOST:PORT"],
  ['health = "x:0"', "is not none, connect or HOST:PORT"],
  ['health = "x:70000"', "is not a number from 0 to 65535"],
  ['health = "a..b:80"', "names no host"],
  ['health = "unix:/x"', "is not none, connect or HOST:PORT"],
  ['health = "fd:3"', "is not none, connect or HOST:PORT"],
  ['health = "connect"\nhealth-interval = "999ms"', "[backend.x]: health-interval"],
  ['health = "connect"\nhealth-interval = "2h"', "[backend.x]: health-interval"],
  ['health = "connect"\nhealth-fall = 0', "[backend.x]: health-fall"],
  ['health = "connect"\nhealth-rise = "two"', "[backend.x]: health-rise"],
  ['health-interval = "5s"', "are for health, which is none"],
  ['health = "none"\nhealth-fall = 2', "are for health, which is none"],
])("%j is refused", (keys, message) => {
  expect(() => parse(keys)).toThrow(message);
  expect(() => parse(keys)).toThrow(expect.objectContaining({ hint: expect.any(String) }) as never);
});

test.each(["connect", "x:80"])("%s: there is nothing to check of a direct exit", (health) => {
  const attempt = () => parse(`health = "${health}"`, true);
  expect(attempt).toThrow("[backend.x]: there is nothing to check of a direct exit");
  expect(attempt).toThrow(expect.objectContaining({ code: "config.backend", exit: 78 }));
});
