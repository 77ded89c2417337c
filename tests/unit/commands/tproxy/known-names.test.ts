/** What name an address stands for, by rules and hosts files. */
import { afterAll, expect, test } from "bun:test";
import { StaticNames } from "../../../../commands/tproxy/known-names.ts";
import { parseCidr } from "../../../../lib/wire/ip.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

test("names of rules and of every line of a hosts file, each once", () => {
  const names = new StaticNames([parseCidr("198.18.0.0/15")!, parseCidr("fd00::/8")!]);
  names.add("198.18.0.1", "a.example");
  names.addHosts(
    scene.write(
      "hosts",
      "# 198.18.0.9 no.example\n198.18.0.1\tA.example  b.example # c.example\nFD00:0::1 d.example\n\n::ffff:10.0.0.1 e.example\nx y\n198.18.0.2 bad_/name f.example.\n",
    ),
  );
  expect(names.namesOf("198.18.0.1")).toEqual(["a.example", "b.example"]);
  expect(names.namesOf("fd00::1")).toEqual(["d.example"]);
  expect(names.namesOf("10.0.0.1")).toEqual(["e.example"]);
  expect(names.namesOf("198.18.0.2")).toEqual(["f.example"]);
  expect(names.namesOf("198.18.0.9")).toEqual([]);
  expect(["198.19.255.255", "198.20.0.0", "fdff::", "10.0.0.1"].map((ip) => names.isFake(ip))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test("a file that is not there is told", () => {
  expect(() => new StaticNames([]).addHosts(scene.path("nowhere"))).toThrow(
    expect.objectContaining({ code: "tproxy.hosts_unreadable", exit: 66 }),
  );
});
