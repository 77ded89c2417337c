/** Names to addresses by a server that the test runs, and by the system. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { openResolver, ResolveError } from "../../../../lib/net/resolve.ts";
import { startDns, type DnsServer, type Zone } from "../../../adversarial/dns-server.ts";

setDefaultTimeout(30_000);

let dns: DnsServer | undefined;
afterEach(() => {
  dns?.close();
  dns = undefined;
});

async function resolver(zone: Zone, silent: string[] = [], timeout = 20_000) {
  dns = await startDns(zone, silent);
  return openResolver([dns.address], timeout);
}

async function failure(answer: Promise<string[]>): Promise<ResolveError> {
  const error = await answer.catch((reason: unknown) => reason);
  if (!(error instanceof ResolveError)) throw new Error(`expected a ResolveError, not ${String(error)}`);
  return error;
}

describe("by a named server", () => {
  test("both families are asked, once each; IPv6 stands first", async () => {
    const resolve = await resolver({ "a.example": [["192.0.2.1", "2001:db8::1", "192.0.2.2"]] });
    expect(await resolve("a.example")).toEqual(["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
    expect([dns!.asked("a.example", "A"), dns!.asked("a.example", "AAAA")]).toEqual([1, 1]);
  });

  test("one family is enough", async () => {
    const resolve = await resolver({ "four.example": [["192.0.2.1"]], "six.example": [["2001:db8::1"]] });
    expect(await resolve("four.example")).toEqual(["192.0.2.1"]);
    expect(await resolve("six.example")).toEqual(["2001:db8::1"]);
  });

  test("the same address twice is one", async () => {
    const resolve = await resolver({ "a.example": [["192.0.2.1", "192.0.2.1"]] });
    expect(await resolve("a.example")).toEqual(["192.0.2.1"]);
  });

  test("an answer is kept by nobody: the next question is asked anew", async () => {
    const resolve = await resolver({ "a.example": [["192.0.2.1"], ["192.0.2.2"]] });
    expect(await resolve("a.example")).toEqual(["192.0.2.1"]);
    expect(await resolve("a.example")).toEqual(["192.0.2.2"]);
  });

  test("a name that does not exist, or has no address: not_found", async () => {
    const resolve = await resolver({ "empty.example": [[]] });
    expect((await failure(resolve("none.example"))).kind).toBe("not_found");
    expect((await failure(resolve("empty.example"))).kind).toBe("not_found");
  });

  test("no answer: timeout", async () => {
    const resolve = await resolver({}, ["silent.example"], 100);
    expect((await failure(resolve("silent.example"))).kind).toBe("timeout");
  });

  test("many at once are told apart", async () => {
    const names = Array.from({ length: 50 }, (_, i) => `n${i}.example`);
    const resolve = await resolver(Object.fromEntries(names.map((name, i) => [name, [[`192.0.2.${i}`]]])));
    const answers = await Promise.all(names.map((name) => resolve(name)));
    expect(answers).toEqual(names.map((_, i) => [`192.0.2.${i}`]));
  });
});

test("by the system: the hosts file counts", async () => {
  const found = await (await openResolver([], 20_000))("localhost");
  expect(found.some((address) => address === "127.0.0.1" || address === "::1")).toBe(true);
});

describe("servers are addresses", () => {
  test.each(["192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53"])("%s", (server) => {
    expect(openResolver([server], 1000)).resolves.toBeFunction();
  });

  test.each(["dns.example", "dns.example:53", "192.0.2.1:x", "192.0.2.256", "", "[192.0.2.1", "192.0.2.1:999999"])(
    "%j is none",
    (server) => {
      const refused = { code: "resolver.syntax", exit: 64 };
      expect(openResolver([server], 1000)).rejects.toMatchObject(refused);
    },
  );
});
