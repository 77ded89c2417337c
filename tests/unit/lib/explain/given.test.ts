/** Facts on the command line have the types of the table, and mistakes are told with what to write. */
import { expect, test } from "bun:test";
import { parseFacts } from "../../../../lib/explain/given.ts";
import { FACTS, type Facts, lookupFact } from "../../../../lib/acl/facts.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

const GOOD: [given: string[], facts: Facts][] = [
  [["command=socks", "client.user=a=b"], { command: "socks", "client.user": "a=b" }],
  [["host=Bücher.Example.", "port=443"], { host: "xn--bcher-kva.example", port: 443 }],
  [["host=0x7f000001"], { host: "127.0.0.1" }],
  [["dest.ip=::ffff:10.0.0.1"], { "dest.ip": parseIp("10.0.0.1")! }],
  [["route.local=true", "device.managed=false"], { "route.local": true, "device.managed": false }],
  [["client.ou=ops,dev"], { "client.ou": ["ops", "dev"] }],
  [["client.ou=ops", "client.ou=dev"], { "client.ou": ["ops", "dev"] }],
  [['client.ou=["a,b"]'], { "client.ou": ["a,b"] }],
  [["client.ou="], { "client.ou": [] }],
  [["now=2026-01-31T18:00+01:00"], { now: Date.UTC(2026, 0, 31, 17) }],
  [["header.X-Token=t"], { "header.x-token": "t" }],
  [["user.level=5", "user.role=admin", 'user.code="5"'], { "user.level": 5, "user.role": "admin", "user.code": "5" }],
  [['user.teams=["a"]', "user.on=true"], { "user.teams": ["a"], "user.on": true }],
  [["risk.score=12.5", "path="], { "risk.score": 12.5, path: "" }],
];

test.each(GOOD)("%j", (given, facts) => {
  expect(parseFacts(given)).toEqual(facts);
});

const BAD: [given: string[], message: string, hint: string][] = [
  [["port"], "is not FACT=VALUE", "port=443"],
  [["hots=a"], 'unknown fact "hots"', "did you mean host?"],
  [["client.cnn=a"], 'unknown fact "client.cnn"', "did you mean client.cn?"],
  [["header=a"], 'unknown fact "header"', "header.NAME"],
  [["port=https"], 'the fact "port" cannot be "https"', "a number"],
  [["host=a..b"], 'the fact "host" cannot be "a..b"', "empty label"],
  [["route.local=yes"], "cannot be", "true or false"],
  [["client.ip=10.0.0.0/8"], "cannot be", "an IP address"],
  [["now=2026-01-31"], "cannot be", "with an offset"],
  [["time=18:00"], "cannot be", "now="],
  [["port=1", "port=2"], 'the fact "port" is given twice', ""],
];

test.each(BAD)("%j is refused", (given, message, hint) => {
  const error = (() => {
    try {
      return parseFacts(given);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(PortailError);
  expect((error as PortailError).message).toContain(message);
  expect((error as PortailError).hint ?? "").toContain(hint);
  expect((error as PortailError).exit).toBe(64);
});

test("every fact of the table can be given", () => {
  const values = {
    string: "a",
    host: "a.test",
    number: "1",
    boolean: "true",
    address: "::1",
    strings: "a",
    instant: "2026-01-01T00:00Z",
  };
  for (const name of Object.keys(FACTS)) {
    const type = lookupFact(name)!.spec.type;
    if (type !== "clock")
      expect(Object.keys(parseFacts([`${name}=${values[type as keyof typeof values]}`]))).toEqual([name]);
  }
});
