/** Providers of `portail socks`: none without tables, and what they need of the policy and of files. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planContext } from "../../../../commands/socks/context.ts";
import socks from "../../../../commands/socks/index.ts";
import { emptyTables } from "../../../../lib/command/config-tables.ts";
import { parseConfig } from "../../../../lib/command/config.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import type { ContextCounts } from "../../../../lib/context/counts.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-context-"));
afterAll(() => rmSync(folder, { recursive: true }));

const runtime = { ...fakeRuntime({ PATH: "/usr/bin:/bin" }), cwd: folder };
const plan = (text: string, timeout = "5s") => planContext(parseConfig(text, "p.toml", socks), timeout, runtime);

async function refusal(work: () => unknown): Promise<[code: string, exit: number, message: string]> {
  try {
    await work();
  } catch (error) {
    if (error instanceof PortailError) return [error.code, error.exit, error.message];
    throw error;
  }
  throw new Error("accepted");
}

const PEOPLE =
  '[provider.people]\nkind = "file"\nfile = "people.json"\nkey = "client.user"\nset = ["user.email = mail"]\n';
const DEVICES =
  '[provider.devices]\nkind = "file"\nfile = "devices.json"\nkey = "user.email"\nset = ["device.id = id"]\n';
const WEB =
  '[provider.web]\nkind = "http"\nurl = "https://h/{client.user}"\nkey = "client.user"\nset = ["user.name = /n"]\n';

test("without tables there is nothing, but the flag is read all the same", async () => {
  expect(await planContext({ tables: emptyTables() }, "5s", runtime)).toBeUndefined();
  expect(await refusal(() => planContext({ tables: emptyTables() }, "5", runtime))).toMatchObject([
    "usage.value",
    64,
    expect.stringContaining("--context-timeout"),
  ]);
});

test("what the policy does not need is neither read nor asked", async () => {
  const context = (await plan(PEOPLE + DEVICES + WEB))!;
  expect(context.load(["host", "client.user", "geo.country"])).toBeUndefined();
});

test("what it needs is read, also for the key of another", async () => {
  const context = (await plan(PEOPLE + DEVICES + WEB))!;
  expect(await refusal(() => context.load(["device.id"]))).toEqual([
    "provider.unreadable",
    66,
    '[provider.people]: cannot read the inventory "people.json": no such file',
  ]);
  writeFileSync(join(folder, "people.json"), '{"ada":{"mail":"ada@x"}}');
  writeFileSync(join(folder, "devices.json"), '{"ada@x":{"id":"d1"}}');
  const counts: ContextCounts = new Map();
  const opened = context.load(["device.id"])!.open({ log: runtime.log, resolve: () => Promise.resolve([]), counts });
  expect(opened.keys).toEqual(["client.user", "user.email"]);
  expect(opened.complete({ "client.user": "ada" })).toEqual({
    "client.user": "ada",
    "user.email": "ada@x",
    "device.id": "d1",
  });
  expect([...counts.keys()]).toEqual(["people", "devices"]);
});

test("a secret or a trust that cannot be used stops the start, and is not repeated", async () => {
  const withToken = (await plan(`${WEB}token-file = "token"\n`))!;
  expect(await refusal(() => withToken.load(["user.name"]))).toEqual([
    "identity.secret_unreadable",
    66,
    '[provider.web]: cannot read password "token": no such file',
  ]);
  writeFileSync(join(folder, "token"), "two\nlines-of-a-secret\n");
  const [code, exit, message] = await refusal(() => withToken.load(["user.name"]));
  expect([code, exit]).toEqual(["provider.bad_secret", 65]);
  expect(message).toStartWith("[provider.web]: a secret is not one line");
  expect(message).not.toContain("lines-of");
  const withTrust = (await plan(`${WEB}trust = "t"\n[trust.t]\ncacert = ["ca.pem"]\n`))!;
  expect((await refusal(() => withTrust.load(["user.name"]))).slice(0, 2)).toEqual(["identity.cacert_unreadable", 66]);
});

test("a secret that comes by a named pipe is asked for once, for every reload", async () => {
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const context = (await plan(`${WEB}token-file = "pipe"\n[trust.t]\n`))!;
  const writer = Bun.spawn(["/bin/sh", "-c", 'echo token >"$0"', pipe]);
  for (let i = 0; i < 3; i++) expect(context.load(["user.name"])).toBeDefined();
  expect(await writer.exited).toBe(0);
});

test("counts go on over a reload", async () => {
  const context = (await plan(PEOPLE))!;
  const tools = { log: runtime.log, resolve: () => Promise.resolve([]), counts: new Map() as ContextCounts };
  for (let i = 0; i < 3; i++) void context.load(["user.email"])!.open(tools).complete({ "client.user": "ada" });
  expect(tools.counts.get("people")).toMatchObject({ hits: 3, entries: 1 });
});
