/** `portail audit`: what it finds, prints and sums up, and its status. */
import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { root } from "../../../../cli/commands.ts";
import { run } from "../../../../cli/run.ts";
import { Scene } from "../../../support/scene.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";
import { until } from "../../lib/net/support.ts";

const scene = new Scene();
afterAll(() => scene.close());

async function audit(args: readonly string[], stdin: string | Uint8Array = "") {
  const runtime = fakeRuntime({ cwd: scene.folder, stdin });
  const status: number = await run(root, ["audit", ...args], runtime);
  return { status, stdout: runtime.stdout.text(), stderr: runtime.stderr.text() };
}

const base = { v: 1, time: "2026-01-31T18:00:00.000Z", command: "socks", session: "1", client: "192.0.2.1:4000" };
const line = (more: object) => `${JSON.stringify({ ...base, ...more })}\n`;
const decision = (target: string, more: object = {}) =>
  line({
    event: "decision",
    protocol: "socks5",
    target,
    decision: "allow",
    policy: "web",
    reason: "policy",
    facts: {},
    ...more,
  });
const close = (target: string, sent: number, more: object = {}) =>
  line({ event: "close", target, sent, received: 1, duration: 5, reason: "client", ...more });

const DENY = { decision: "deny", policy: null, reason: "default" };
const LINES = [
  line({ event: "start", listen: ["127.0.0.1:1080"] }),
  decision("a.test:443"),
  close("a.test:443", 999),
  decision("b.test:22", { ...DENY, client: "[2001:db8::1]:5", time: "2026-01-31T19:30:00.000Z" }),
  decision("b.test:22", { ...DENY, user: "ann", time: "2026-01-31T19:31:00.000Z" }),
  decision("b.test:22", { ...DENY, user: "ann", time: "2026-01-31T19:32:00.000Z" }),
  line({ event: "reject", reason: "protocol", message: "\u001b[2J" }),
  line({ event: "loss", lost: 7 }),
];
const ALL = LINES.join("");
const targets = (stdout: string) =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((text) => (JSON.parse(text) as { target?: string }).target);

describe("filters", () => {
  test.each<[string[], number[]]>([
    [
      ["--event", "start", "--event", "loss"],
      [0, 7],
    ],
    [
      ["--decision", "deny"],
      [3, 4, 5],
    ],
    [["--policy", "web"], [1]],
    [
      ["--policy", "default"],
      [3, 4, 5],
    ],
    [["--client", "2001:db8::/32"], [3]],
    [["--client", "2001:db8:0::1"], [3]],
    [["--client", "192.0.2.0/24", "--event", "close"], [2]],
    [
      ["--client", "ann"],
      [4, 5],
    ],
    [
      ["--since", "2026-01-31T19:31:00Z"],
      [4, 5],
    ],
    [["--until", "2026-01-31T19:31:00Z", "--decision", "deny"], [3]],
    [
      ["--where", 'port == 22 and host == "b.test"'],
      [3, 4, 5],
    ],
    [["--where", 'client.user == "ann"', "--since", "2026-01-31T19:32:00Z"], [5]],
    [["--where", "client.ip in [2001:db8::/32]"], [3]],
  ])("%j", async (args, found) => {
    const { status, stdout } = await audit([...args, "--format", "json"], ALL);
    expect(stdout).toBe(found.map((index) => LINES[index]).join(""));
    expect(status).toBe(0);
  });

  test("a duration is before now", async () => {
    const recent = decision("new.test:1", { time: new Date(Date.now() - 60_000).toISOString() });
    const { stdout } = await audit(["--since", "1h", "--format", "json"], ALL + recent);
    expect(stdout).toBe(recent);
    expect((await audit(["--since", "1s"], ALL + recent)).status).toBe(1);
  });

  test("what a line does not record is said, and does not hold", async () => {
    const { status, stderr } = await audit(["--where", 'header.accept == "x" and port == 443'], ALL);
    expect(status).toBe(1);
    expect(stderr).toMatch(/\d+ lines do not record a fact that --where asks for/);
  });

  test.each([
    ["--where", "port = 22", "acl.invalid"],
    ["--where", "port == 22 action allow } policy b { when port == 1", "acl.invalid"],
    ["--since", "yesterday", "usage.value"],
    ["--until", "2026-13-45", "usage.value"],
    ["--format", "xml", "usage.value"],
  ])("%s %j is refused", async (flag, value, code) => {
    const { status, stderr } = await audit([flag, value], ALL);
    expect(status).toBe(64);
    expect(stderr).toContain(`[${code}]`);
  });
});

test("text says the same on one line each, and obeys nothing that a peer sent", async () => {
  const { stdout } = await audit(["--event", "decision", "--event", "reject"], ALL);
  expect(stdout.split("\n")[0]).toBe(
    "2026-01-31T18:00:00.000Z socks decision allow 192.0.2.1:4000 -> a.test:443 session=1 policy=web reason=policy",
  );
  const forged = await audit([], decision("x\n2026 forged \u001b[2J", { ...DENY, reason: "a b" }));
  expect(forged.stdout.match(/\n/g)).toHaveLength(1);
  expect(forged.stdout).toContain('x\\n2026 forged \\u001b[2J session=1 policy=null reason="a b"');
});

test("a summary says who was denied what, who moved most, and when", async () => {
  const json = await audit(["--summary", "--format", "json"], `${ALL}broken\n`);
  expect(json.status).toBe(0);
  expect(JSON.parse(json.stdout)).toEqual({
    v: 1,
    lines: 8,
    broken: 1,
    lost: 7,
    first: "2026-01-31T18:00:00.000Z",
    last: "2026-01-31T19:32:00.000Z",
    events: [
      { name: "decision", count: 4 },
      { name: "close", count: 1 },
      { name: "loss", count: 1 },
      { name: "reject", count: 1 },
      { name: "start", count: 1 },
    ],
    decisions: [
      { name: "deny", count: 3 },
      { name: "allow", count: 1 },
    ],
    policies: [
      { name: "default", count: 3 },
      { name: "web", count: 1 },
    ],
    denied: [
      { who: "ann", what: "b.test:22", count: 2 },
      { who: "192.0.2.1", what: "(protocol)", count: 1 },
      { who: "2001:db8::1", what: "b.test:22", count: 1 },
    ],
    talkers: [{ who: "192.0.2.1", bytes: 1000, connections: 1 }],
    hours: [
      { hour: "2026-01-31T18", allowed: 1, denied: 1, bytes: 1000 },
      { hour: "2026-01-31T19", allowed: 0, denied: 3, bytes: 0 },
    ],
    exact: true,
  });
  const text = (await audit(["--summary", "--limit", "1"], ALL)).stdout;
  expect(text).toStartWith(
    "8 lines, 7 lost by the daemon\nfrom 2026-01-31T18:00:00.000Z to 2026-01-31T19:32:00.000Z\n",
  );
  expect(text).toContain("denied: who, what\n             2  ann  b.test:22\n\n");
  expect(text).toContain("         1,000             1  192.0.2.1\n");
  expect(text).toEndWith("             0             3             0  2026-01-31T19\n");
});

test("more names than memory holds: the frequent ones stay, and it is said that rare ones are not whole", async () => {
  const rare = Array.from({ length: 30_000 }, (_, i) => decision(`${i}.test:1`, DENY));
  const often = Array.from({ length: 60 }, () => decision("often.test:1", DENY));
  const mixed = rare.flatMap((one, i) => (i % 500 === 0 ? [one, often[i / 500]!] : [one])).join("");
  const { stdout } = await audit(["--summary", "--limit", "1"], mixed);
  expect(stdout).toContain(
    "denied: who, what (too many for memory: counts of rare ones are too low)\n            60  192.0.2.1  often.test:1\n",
  );
});

describe("input", () => {
  test("files one after the other, - among them; the last line needs no end", async () => {
    scene.write("1.jsonl", decision("one:1"));
    scene.write("2.jsonl", decision("three:1").trimEnd());
    const { stdout } = await audit(["--format", "json", "1.jsonl", "-", "2.jsonl"], decision("two:1"));
    expect(targets(stdout)).toEqual(["one:1", "two:1", "three:1"]);
  });

  test("as a syslog daemon keeps it", async () => {
    const kept = `Jan 31 18:00:00 host portail[1]: ${decision("a.test:1")}`;
    expect(targets((await audit(["--format", "json"], kept)).stdout)).toEqual(["a.test:1"]);
  });

  test.each([
    ["no JSON", "x\n"],
    ["a line that broke off", decision("a:1").slice(0, 40)],
    ["another version", line({ event: "start", v: 2 })],
    ["no time", line({ event: "start", time: "then" })],
    ["no object", "[1]\nnull\n"],
    ["a line that is too long", `{"v":1,"a":"${"x".repeat(2_000_000)}"}\n`],
    ["no UTF-8", "\xff\xfe\n"],
  ])("%s is broken: counted, said, and passed over", async (_, broken) => {
    const count = broken.startsWith("[") ? 2 : 1;
    const mixed = await audit(["--format", "json"], ALL + broken);
    expect(mixed.stdout).toBe(ALL);
    expect(mixed.stderr).toContain(`${count} lines are broken, or no audit lines`);
    expect([mixed.status, (await audit([], broken)).status]).toEqual([0, 65]);
  });

  test("none at all is no match; a file that is not there is status 66", async () => {
    expect(await audit([])).toEqual({ status: 1, stdout: "", stderr: "" });
    const { status, stderr } = await audit(["none.jsonl"]);
    expect(status).toBe(66);
    expect(stderr).toContain('cannot read "none.jsonl": ENOENT [audit.unreadable]');
  });
});

describe("--follow", () => {
  test("goes on over rotation and cutting, loses nothing, repeats nothing, and ends at a signal", async () => {
    const file = scene.write("grows.jsonl", decision("1:1"));
    const runtime = fakeRuntime({ cwd: scene.folder });
    const ended = run(root, ["audit", "-f", "--format", "json", "grows.jsonl"], runtime);
    const seen = (count: number) => until(() => targets(runtime.stdout.text()).length === count);
    await seen(1);
    const halves = decision("2:1");
    appendFileSync(file, halves.slice(0, 50));
    appendFileSync(file, halves.slice(50));
    await seen(2);
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, decision("3:1"));
    writeFileSync(file, decision("4:1"));
    await seen(4);
    truncateSync(file);
    await Bun.sleep(0);
    writeFileSync(file, decision("5"));
    await seen(5);
    appendFileSync(file, decision("6:1"));
    await seen(6);
    runtime.raise("SIGTERM");
    expect((await ended) as number).toBe(0);
    expect(targets(runtime.stdout.text())).toEqual(["1:1", "2:1", "3:1", "4:1", "5", "6:1"]);
  });

  test("a file that breaks off within a line spoils no line of the next", async () => {
    const file = scene.write("torn.jsonl", decision("1:1") + decision("2:1").slice(0, 30));
    const runtime = fakeRuntime({ cwd: scene.folder });
    const ended = run(root, ["audit", "-f", "--format", "json", "torn.jsonl"], runtime);
    await until(() => runtime.stdout.text() !== "");
    renameSync(file, `${file}.1`);
    writeFileSync(file, decision("3:1"));
    await until(() => targets(runtime.stdout.text()).length === 2);
    runtime.raise("SIGINT");
    await ended;
    expect(targets(runtime.stdout.text())).toEqual(["1:1", "3:1"]);
    expect(runtime.stderr.text()).toContain("1 lines are broken");
  });

  test("needs files", async () => {
    const { status, stderr } = await audit(["-f"]);
    expect(status).toBe(64);
    expect(stderr).toContain("--follow goes with files");
  });
});
