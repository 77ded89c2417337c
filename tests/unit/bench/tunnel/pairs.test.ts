/** How the pairs are put together: who listens and dials where, and that resumption is really another configuration. */
import { describe, expect, test } from "bun:test";
import type { Setup } from "../../../bench/support/contender.ts";
import { pairs } from "../../../bench/tunnel/pairs.ts";

const everyone = pairs("bun  cli/main.ts").filter(({ setup }) => setup !== undefined);

const setup = (name: string, resume: boolean): Setup => {
  const link = { listen: 52_001, dial: 52_002, resume };
  return everyone.find((one) => one.name === name)!.setup!({ port: 52_003, targetPort: 52_004, link, dir: "/d" });
};

/** All that a daemon is told: its arguments and the files that they name. */
const told = ({ daemons, files }: Setup, port: number) => {
  const { argv } = daemons.find((daemon) => daemon.port === port)!;
  return [...argv, ...argv.map((word) => files[word.replace("/d/", "")] ?? "")].join(" ");
};

test("everyone is here", () => {
  expect(everyone.map(({ name }) => name)).toEqual(["portail", "stunnel", "haproxy", "nginx", "hitch"]);
});

describe.each(everyone.map(({ name }) => name))("%s", (name) => {
  test("starts its server side first, from the link to the target, then its client side, to the link", () => {
    const plan = setup(name, false);
    expect(plan.daemons.map(({ port }) => port)).toEqual([52_001, 52_003]);
    const [server, client] = [told(plan, 52_001), told(plan, 52_003)];
    expect(server).toContain("52001");
    expect(server).toContain("52004");
    expect(client).toContain("52003");
    expect(client).toContain("52002");
    for (const side of [server, client]) expect(side).toContain("/d/ca.pem");
    expect(server).toContain("/d/server");
    expect(client).toContain("/d/client");
    expect(client).toContain("localhost");
  });
});

test.each(everyone.map(({ name }) => name))("%s is told when it must not resume", (name) => {
  expect(setup(name, true)).not.toEqual(setup(name, false));
  expect(told(setup(name, false), 52_003)).not.toBe(told(setup(name, true), 52_003));
});

test("portail is started by the words of the command", () => {
  expect(setup("portail", false).daemons[0]!.argv.slice(0, 4)).toEqual(["bun", "cli/main.ts", "tunnel", "server"]);
});
