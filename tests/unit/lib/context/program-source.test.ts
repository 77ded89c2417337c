/** Programs as providers: real ones, which answer, die, fall silent, lie or go mad. No time is asserted. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FactName } from "../../../../lib/acl/facts.ts";
import type { Logger } from "../../../../lib/command/log.ts";
import { ProviderCounts, Report, Trouble } from "../../../../lib/context/counts.ts";
import { ProgramSource } from "../../../../lib/context/program-source.ts";
import { NOTHING, parseTarget, type Target } from "../../../../lib/context/targets.ts";
import { until } from "../../../support/until.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "portail-program-"));
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  rmSync(folder, { recursive: true });
});

const PATIENT = new AbortController().signal;
const key = (text: string) => ({ values: [text], text });

/** A program of the shell's, by a script that nobody but this test writes; `most` bytes are a line. */
function program(script: string, { most = 4096, keys = ["client.user"] as FactName[] } = {}) {
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const log: Logger = { debug: note, info: note, warn: note, error: note, writes: () => true, configure() {} };
  const counts = new ProviderCounts();
  const targets = ["user.groups", "user.name", "risk.score"].map((fact) => parseTarget(fact, true) as Target);
  const env = { PATH: process.env["PATH"], FOLDER: folder, NOTIFY_SOCKET: "/nowhere" };
  const options = { command: ["/bin/sh", "-c", script], cwd: folder, env, most, name: "p", log };
  const source = new ProgramSource(keys, targets, options, new Report("p", counts, log));
  ends.push(() => source.close());
  const ask = (text: string, signal = PATIENT) => source.ask(key(text), signal);
  return { source, ask, lines, counts };
}

/** Answers each question by `$answer` with the question's id. */
const answering = (answer: string) => `while IFS= read -r line; do id=\${line#*:}; id=\${id%%,*}; ${answer}; done`;
const says = (facts: string) => answering(`printf '{"id":%s,"facts":${facts}}\\n' "$id"`);
const pidFile = (name: string) => join(folder, name);
const isRunning = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

test("it is asked only for what is its key, and its answer is the facts", async () => {
  const { source } = program(
    answering(
      `printf '%s\\n' "$line" >>asked; printf '{"id":%s,"facts":{"user.groups":["ops"],"risk.score":3}}\\n' "$id"`,
    ),
    {
      keys: ["client.user", "port"],
    },
  );
  const found = await source.ask({ values: ['a"b', 443], text: "x" }, PATIENT);
  expect(found).toEqual({ "user.groups": ["ops"], "risk.score": 3 });
  expect(JSON.parse(readFileSync(join(folder, "asked"), "utf8"))).toEqual({
    id: 1,
    facts: { "client.user": 'a"b', port: 443 },
  });
});

test("answers may come in another order", async () => {
  const { ask } = program(
    'read -r a; read -r b; printf \'{"id":2,"facts":{"user.name":"two"}}\\n{"id":1,"facts":{"user.name":"one"}}\\n\'; cat >/dev/null',
  );
  expect(await Promise.all([ask("x"), ask("y")])).toEqual([{ "user.name": "one" }, { "user.name": "two" }]);
});

test("it is the same program for all questions, and hears nothing of the service manager's", async () => {
  const { ask } = program(says('{\\"user.name\\":\\"\'$$-${NOTIFY_SOCKET:-none}\'\\"}').replaceAll('\\"', '"'));
  const [one, two] = [await ask("x"), await ask("y")];
  expect(one).toEqual(two);
  expect(one).toMatchObject({ "user.name": expect.stringMatching(/^\d+-none$/) });
});

test("null, no facts and unknown facts are nothing", async () => {
  expect(await program(says("null")).ask("x")).toBe(NOTHING);
  expect(await program(says("{}")).ask("x")).toBe(NOTHING);
  expect(await program(says('{"client.user":"root","host":"x","user.email":"a@b"}')).ask("x")).toBe(NOTHING);
});

test("a wrong type is missing; the other facts count", async () => {
  const { ask, lines } = program(says('{"user.groups":"ops","user.name":"Ada","risk.score":"9"}'));
  expect(await ask("x")).toEqual({ "user.name": "Ada" });
  expect(lines.filter((line) => line.includes("not of the type")).length).toBe(2);
});

test.each([
  ["a wrong id", answering(`printf '{"id":99%s,"facts":{"user.name":"x"}}\\n' "$id"`)],
  ["no id", answering(`printf '{"facts":{"user.name":"x"}}\\n'`)],
  ["an id as text", answering(`printf '{"id":"%s","facts":{"user.name":"x"}}\\n' "$id"`)],
  ["no JSON", answering("echo yes")],
  ["no text", answering("printf '\\377\\n'")],
  ["nothing", "cat >/dev/null"],
  ["half a line", answering(`printf '{"id":%s,"facts":{"user.name"' "$id"`)],
])("%s is no answer: the question is late", async (_what, script) => {
  const { ask } = program(script);
  const late = new AbortController();
  const found = ask("x", late.signal);
  const word = await Promise.race([found, Bun.sleep(50).then(() => "waits")]);
  expect(word).toBe("waits");
  late.abort();
  expect(await found).toMatchObject({ kind: "timeout" });
});

test.each([
  ["facts that are none", says("[]"), "syntax"],
  ["facts that are text", says('"x"'), "syntax"],
  ["no facts", answering(`printf '{"id":%s}\\n' "$id"`), "syntax"],
  ["a line that is too long", answering(`printf '{"id":%s,"facts":{"user.name":"%05000d"}}\\n' "$id" 0`), "down"],
  ["a line without an end", `read -r line; yes | tr -d '\\n'`, "down"],
  ["an end", "read -r line", "down"],
  ["a status", "read -r line; exit 3", "down"],
  ["a signal", "read -r line; kill -9 $$", "down"],
  ["a closed output", "read -r line; exec >&-; sleep 600", "down"],
  ["a flood", `read -r line; yes`, "down"],
])("%s is trouble, told at once", async (_what, script, kind) => {
  expect(await program(script).ask("x")).toMatchObject({ kind });
});

test("what cannot be started is trouble too", async () => {
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, writes: () => true, configure() {} };
  const options = { command: ["/nonexistent/program"], cwd: folder, env: {}, most: 100, name: "p", log };
  const source = new ProgramSource(["client.user"], [], options, new Report("p", new ProviderCounts(), log));
  expect(await source.ask(key("x"), PATIENT)).toMatchObject({
    kind: "down",
    message: expect.stringContaining("ENOENT"),
  });
});

test("after its death it is started again, but not at once; a late answer of the old one is nobody's", async () => {
  const script = `if [ -e died ]; then ${says('{"user.name":"second"}')}; else touch died; read -r line; exit 1; fi`;
  const { ask } = program(script);
  expect(await ask("x")).toMatchObject({ kind: "down", message: "the program ended (1)" });
  expect(await ask("x")).toMatchObject({ kind: "down", message: "the program ended a moment ago" });
  const found = await until("the next start", async () => {
    const answer = await ask("x");
    return answer instanceof Trouble ? undefined : answer;
  });
  expect(found).toEqual({ "user.name": "second" });
});

test("one that lets many questions lie counts as stuck, and is replaced", async () => {
  const { ask, lines } = program("echo $$ >>stuck; exec sleep 600");
  await until("the start", () => (void ask("first", AbortSignal.timeout(1)), existsSync(pidFile("stuck"))));
  const pid = Number(readFileSync(pidFile("stuck"), "utf8").split("\n")[0]);
  for (let i = 0; i < 16 && !lines.some((line) => line.includes("unanswered")); i++) {
    const late = new AbortController();
    const found = ask(`x${i}`, late.signal);
    late.abort();
    expect(await found).toBeInstanceOf(Trouble);
  }
  await until("its end", () => !isRunning(pid));
});

test("its standard error is for the log, in bounded lines", async () => {
  const { ask, lines } = program(
    answering(`printf 'hello\\n%05000d\\n' 7 >&2; printf '{"id":%s,"facts":{}}\\n' "$id"`),
  );
  await ask("x");
  await until("the words", () => lines.filter((line) => line.includes("says:")).length >= 2);
  const said = lines.filter((line) => line.includes("says:"));
  expect(said[0]).toBe("provider p says: hello");
  expect(said[1]!.length).toBeLessThan(1100);
});

test("the end of its input ends it, and what it was asked has no answer", async () => {
  const { source, ask } = program(`echo $$ >gentle; cat >/dev/null`);
  const found = ask("x");
  await until("its start", () => existsSync(pidFile("gentle")));
  await source.close();
  expect(await found).toMatchObject({ kind: "down" });
  expect(isRunning(Number(readFileSync(pidFile("gentle"), "utf8")))).toBe(false);
});

test("one that does not want to end is ended, with all that it started", async () => {
  const { source, ask } = program(
    `trap '' TERM; sleep 600 & echo $! >child; echo $$ >parent; ${says("{}")}; sleep 600; sleep 600`,
  );
  await ask("x");
  await source.close();
  for (const name of ["child", "parent"]) {
    const pid = Number(readFileSync(pidFile(name), "utf8"));
    await until(`the end of the ${name}`, () => !isRunning(pid));
  }
  expect(await ask("y")).toMatchObject({ kind: "down" });
});

test("a program in another language, which reads and writes lines as one would", async () => {
  const path = join(folder, "provider.py");
  writeFileSync(
    path,
    'import json, sys\nfor line in sys.stdin:\n    q = json.loads(line)\n    name = q["facts"]["client.user"]\n' +
      '    print(json.dumps({"id": q["id"], "facts": {"user.name": name.upper()}}), flush=True)\n',
  );
  const { ask } = program(`exec python3 ${path}`);
  const names = Array.from({ length: 500 }, (_, i) => `ada-é-${i}`);
  const found = await Promise.all(names.map((name) => ask(name)));
  expect(found).toEqual(names.map((name) => ({ "user.name": name.toUpperCase() })));
});
