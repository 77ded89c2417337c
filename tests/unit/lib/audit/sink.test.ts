/** Where audit lines go, and what becomes of those that cannot. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent, RejectEvent } from "../../../../lib/audit/event.ts";
import { parsePlace, type FullPolicy } from "../../../../lib/audit/settings.ts";
import { openAuditSink, type AuditSink } from "../../../../lib/audit/sink.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { until } from "../net/support.ts";

setDefaultTimeout(30_000);

let folder = "";
let troubles: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "portail-sink-"));
  troubles = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (name = "audit.jsonl") => join(folder, name);
const log = { error: (message: unknown) => void troubles.push(String(message)), info() {} };
const open = (destination = path(), full?: FullPolicy, every?: number): Promise<AuditSink> =>
  openAuditSink({ destination, place: parsePlace(destination), full }, log, every);

function event(message: string): RejectEvent {
  const base = { v: 1, time: "2026-01-01T00:00:00.000Z", command: "socks" } as const;
  return { ...base, event: "reject", session: "1", client: "192.0.2.1:1", reason: "test", message };
}

const parse = (text: string): AuditEvent[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditEvent);
const inFile = (name?: string): AuditEvent[] => parse(readFileSync(path(name), "utf8"));
const messages = (events: AuditEvent[]): string[] =>
  events.flatMap((one) => (one.event === "reject" ? one.message : []));

describe("a file", () => {
  test("is made for its owner alone, and holds one line of JSON for each event, in order", async () => {
    const sink = await open();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    for (const message of ["one", 'two "quoted"', "three\nlines", "four \u2028"]) sink.write(event(message));
    await sink.close();
    expect(inFile()).toEqual(["one", 'two "quoted"', "three\nlines", "four \u2028"].map(event));
    expect([sink.lost, troubles]).toEqual([0, []]);
  });

  test("is appended to", async () => {
    writeFileSync(path(), "before\n");
    const sink = await open();
    sink.write(event("after"));
    await sink.close();
    expect(readFileSync(path(), "utf8")).toStartWith('before\n{"v":1,');
  });

  test("gets its lines soon, without an end", async () => {
    const sink = await open();
    sink.write(event("soon"));
    await until(() => readFileSync(path(), "utf8").endsWith("\n"));
    await sink.close();
  });

  test("is opened anew after it was rotated; no line is lost or written twice", async () => {
    const sink = await open();
    for (let i = 0; i < 300; i++) {
      sink.write(event(`line ${i}`));
      if (i % 100 !== 50) continue;
      await Bun.sleep(10);
      renameSync(path(), path(`rotated-${i}`));
      sink.reopen();
    }
    await sink.close();
    const files = ["rotated-50", "rotated-150", "rotated-250", "audit.jsonl"];
    const all = files.flatMap((name) => messages(inFile(name)));
    expect(all).toEqual(Array.from({ length: 300 }, (_, i) => `line ${i}`));
  });

  test("that cannot be opened anew is kept", async () => {
    const sink = await open();
    const moved = `${folder}-moved`;
    renameSync(folder, moved);
    expect(() => sink.reopen()).toThrow(PortailError);
    renameSync(moved, folder);
    sink.write(event("still here"));
    await sink.close();
    expect(messages(inFile())).toEqual(["still here"]);
  });
});

describe("a descriptor", () => {
  test("fd:N is written to, and stays open at the end", async () => {
    const fd = openSync(path(), "w");
    const sink = await open(`fd:${fd}`);
    sink.reopen();
    sink.write(event("one"));
    await sink.close();
    expect(messages(inFile())).toEqual(["one"]);
    closeSync(fd);
  });

  test("- is standard output", async () => {
    const script = `
      const { openAuditSink } = await import(${JSON.stringify(join(import.meta.dir, "../../../../lib/audit/sink.ts"))});
      const settings = { destination: "-", place: { kind: "stdout" }, full: undefined };
      const sink = await openAuditSink(settings, { error() {}, info() {} });
      sink.write(${JSON.stringify(event("out"))});
      await sink.close();
    `;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    expect(messages(parse(await new Response(child.stdout).text()))).toEqual(["out"]);
  });
});

describe("what cannot be opened stops the start: status 73", () => {
  test.each([
    ["a folder that is not there", () => path("none/audit")],
    ["a folder", () => folder],
    ["a descriptor that is not open", () => "fd:987"],
  ])("%s", async (_, destination) => {
    await expect(open(destination())).rejects.toThrow(expect.objectContaining({ code: "audit.cannot_open", exit: 73 }));
  });
});

describe("losses are counted, told to people, and told by a line", () => {
  test("a full disk", async () => {
    const sink = await open("/dev/full");
    for (let i = 0; i < 3; i++) sink.write(event("lost"));
    await until(() => sink.lost > 0);
    sink.write(event("lost"));
    await sink.close();
    expect(sink.lost).toBe(4);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain("ENOSPC");
  });

  test("a disk that was full for a while: the line says how many", async () => {
    symlinkSync("/dev/full", path());
    const sink = await open();
    for (const batch of [10, 5, 1]) {
      const before = sink.lost;
      for (let i = 0; i < batch; i++) sink.write(event("lost"));
      await until(() => sink.lost > before);
    }
    rmSync(path());
    sink.reopen();
    sink.write(event("kept"));
    await sink.close();
    expect(inFile()).toMatchObject([
      { v: 1, event: "loss", command: "socks", lost: 16 },
      { event: "reject", message: "kept" },
    ]);
    expect(sink.lost).toBe(16);
  });

  test("a reader that is gone", async () => {
    const { sink, reader } = await openPipe();
    closeSync(reader);
    sink.write(event("lost"));
    await until(() => sink.lost === 1);
    expect(troubles[0]).toContain("EPIPE");
    await sink.close();
  });

  test("a reader that is too slow: what does not fit is dropped, the rest comes whole", async () => {
    const { sink, reader } = await openPipe();
    const count = 30_000;
    for (let i = 0; i < count; i++) {
      sink.write(event(`${i} ${"x".repeat(1024)}`));
      if (i % 1000 === 0) await Bun.sleep(1);
    }
    expect(sink.lost).toBeGreaterThan(0);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain("too slow");
    const cat = Bun.spawn(["cat", path("pipe")], { stdout: "pipe" });
    const text = new Response(cat.stdout).text();
    await Bun.sleep(100);
    closeSync(reader);
    sink.write(event("after"));
    await sink.close();
    const events = parse(await text);
    const told = events.reduce((sum, one) => sum + (one.event === "loss" ? one.lost : 0), 0);
    expect(told).toBe(sink.lost);
    expect(messages(events)).toHaveLength(count + 1 - sink.lost);
  });

  test("a reader that never reads does not keep the process", async () => {
    const { sink, reader } = await openPipe();
    for (let i = 0; i < 1000; i++) sink.write(event("x".repeat(1024)));
    const outcome = await Promise.race([sink.close().then(() => "closed"), Bun.sleep(20_000).then(() => "kept")]);
    closeSync(reader);
    expect(outcome).toBe("closed");
  });
});

/** A sink into a named pipe, and its reading end, which is held open and not read. */
async function openPipe(): Promise<{ sink: AuditSink; reader: number }> {
  Bun.spawnSync(["mkfifo", path("pipe")]);
  const reader = openSync(path("pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
  return { sink: await open(path("pipe")), reader };
}

test("an existing file keeps the mode that its owner gave it", async () => {
  writeFileSync(path(), "");
  chmodSync(path(), 0o640);
  await (await open()).close();
  expect(statSync(path()).mode & 0o777).toBe(0o640);
  expect(existsSync(path())).toBe(true);
});

test("what comes when it is closed is lost, and goes to no file that was opened since", async () => {
  const sink = await open();
  await sink.close();
  const others = Array.from({ length: 8 }, (_, i) => {
    const name = path(`other-${i}`);
    return { name, fd: openSync(name, "w") };
  });
  sink.write(event("late"));
  await sink.close();
  for (const { fd } of others) closeSync(fd);
  expect(others.map(({ name }) => readFileSync(name, "utf8")).join("")).toBe("");
  expect([sink.lost, troubles]).toEqual([1, [expect.stringContaining("it is closed")]]);
});
