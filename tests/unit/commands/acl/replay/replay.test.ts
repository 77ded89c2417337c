/** `portail acl replay`: the report as text and JSON, its inputs, and its status. What it decides is lib/acl/replay's tests. */
import { afterAll, expect, test } from "bun:test";
import { root } from "../../../../../cli/commands.ts";
import { run } from "../../../../../cli/run.ts";
import { fakeRuntime } from "../../../cli/fake-runtime.ts";
import { Folder } from "../folder.ts";

const folder = new Folder();
afterAll(() => folder.remove());
folder.write(
  "new.acl",
  'policy blocked { when host under "bad.test" action deny }\npolicy web { when port == 443 action allow }\n',
);

const line = (target: string, more: object = {}) =>
  `${JSON.stringify({
    v: 1,
    time: "2026-01-31T18:00:00.000Z",
    event: "decision",
    command: "socks",
    client: "192.0.2.1:40000",
    protocol: "socks5",
    target,
    dest: "203.0.113.5:443",
    decision: "allow",
    policy: "web",
    reason: "policy",
    policies: "d1",
    facts: {},
    ...more,
  })}\n`;

const denied = { decision: "deny", policy: null, reason: "default", dest: undefined };
const LINES = [
  ...Array.from({ length: 3 }, () => line("a.bad.test:443")),
  line("b.bad.test:443"),
  line("c.bad.test:443"),
  line("good.test:443"),
  line("good.test:443", { policy: "other" }),
  line("203.0.113.7:443", denied),
  line("unknown.test:443", denied),
  line("x.test:1", { event: "close" }),
  "rubbish\n",
].join("");

test("the report has sums, changes by policy and target, and what cannot be told", async () => {
  expect(await folder.acl(["replay", "new.acl", "--limit", "1"], { stdin: LINES })).toEqual({
    status: 0,
    stderr: "",
    stdout: `11 lines: 9 decisions, 1 other events, 1 that are no audit lines
6 would change, 2 would not (1 by another policy), 1 cannot be told

allow by web -> deny by blocked: 5
           3  a.bad.test:443
           2  to other targets

deny by default -> allow by web: 1
           1  203.0.113.7:443

cannot be told, since the lines lack a fact that the policy asks for:
           1  dest.ip (the name was never resolved)
`,
  });
});

test("the same as JSON, and the status on request", async () => {
  const { status, stdout } = await folder.acl(["replay", "new.acl", "--format", "json", "--fail-on-change"], {
    stdin: LINES,
  });
  expect(status).toBe(1);
  expect(stdout.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    policies: expect.stringMatching(/^[0-9a-f]{64}$/),
    lines: { read: 11, decisions: 9, others: 1, bad: 1, tooLong: 0 },
    changed: 6,
    unchanged: 2,
    byAnotherPolicy: 1,
    lacking: 1,
    changes: [
      {
        from: { decision: "allow", policy: "web" },
        to: { decision: "deny", policy: "blocked" },
        count: 5,
        targets: [
          { target: "a.bad.test:443", count: 3 },
          { target: "b.bad.test:443", count: 1 },
          { target: "c.bad.test:443", count: 1 },
        ],
        other: 0,
      },
      {
        from: { decision: "deny", policy: null },
        to: { decision: "allow", policy: "web" },
        count: 1,
        targets: [{ target: "203.0.113.7:443", count: 1 }],
        other: 0,
      },
    ],
    other: 0,
    facts: [{ fact: "dest.ip", count: 1 }],
  });
});

test("files are read one after the other, - among them", async () => {
  folder.write("1.jsonl", line("a.bad.test:443"));
  folder.write("2.jsonl", line("a.bad.test:443").trimEnd());
  const options = { stdin: line("good.test:443") };
  const { stdout } = await folder.acl(["replay", "new.acl", "1.jsonl", "-", "2.jsonl"], options);
  expect(stdout).toStartWith("3 lines: 3 decisions, 0 other events\n2 would change, 1 would not");
  expect(await folder.acl(["replay", "new.acl", "none.jsonl"])).toMatchObject({ status: 66, stdout: "" });
});

test("nothing that changes is no failure", async () => {
  expect((await folder.acl(["replay", "new.acl", "--fail-on-change"], { stdin: line("good.test:443") })).status).toBe(
    0,
  );
});

test("the old policy says what was not there", async () => {
  folder.write(
    "asks.acl",
    'policy a { when client.cn == "x" action deny }\npolicy web { when port == 443 action allow }\n',
  );
  const old = folder.write("old.acl", "policy web { when port == 443 and not defined client.cn action allow }\n");
  const digest = new Bun.CryptoHasher("sha256").update(await Bun.file(old).bytes()).digest("hex");
  const options = { stdin: line("good.test:443", { policies: digest }) };
  const sums = async (...args: string[]) =>
    (await folder.acl(["replay", "asks.acl", ...args], options)).stdout.split("\n")[1];
  expect(await sums()).toBe("0 would change, 0 would not (0 by another policy), 1 cannot be told");
  expect(await sums("--old", old)).toBe("1 would change, 0 would not (0 by another policy), 0 cannot be told");
});

test("what a peer sent cannot forge lines of the report", async () => {
  folder.write("any.acl", "policy any { action allow }\n");
  const { stdout } = await folder.acl(["replay", "any.acl"], { stdin: line("x\n\u001b[2J:443", denied) });
  expect(stdout.split("\n").slice(2)).toEqual([
    "",
    "deny by default -> allow by any: 1",
    "           1  x\\n\\u001b[2J:443",
    "",
  ]);
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends the input, and what was read is reported", async (signal) => {
  const runtime = fakeRuntime({ cwd: folder.path });
  const endless = async function* () {
    yield new TextEncoder().encode(line("b.bad.test:443"));
    await new Promise(() => {});
  };
  const status = run(root, ["acl", "replay", folder.write("p.acl", "policy a { action deny }")], {
    ...runtime,
    stdin: { ...runtime.stdin, bytes: endless },
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  runtime.raise(signal);
  expect(await status).toBe(0);
  expect(runtime.stdout.text()).toStartWith("1 lines: 1 decisions");
});

test.each([
  [["--limit", "x"], 64],
  [["--format", "tap"], 64],
  [["--listen", "nowhere"], 64],
  [["--old", "none.acl"], 66],
])("%j is refused", async (args, status) => {
  expect(await folder.acl(["replay", "new.acl", ...args])).toMatchObject({ status, stdout: "" });
});
