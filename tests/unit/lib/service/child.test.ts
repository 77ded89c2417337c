/** The program behind `--`: what it gets, how it ends, and which signals reach it. Played by child-program.ts. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { ChildCommand } from "../../../../lib/service/child.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { environment, run, start } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { TerminalProgram } from "../../../support/terminal.ts";
import { until } from "../../../support/until.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());

const PROGRAM = join(import.meta.dir, "child-program.ts");
const command = (...words: string[]) => [process.execPath, PROGRAM, "run", ...words];
const VALUES = { host: "127.0.0.1", port: "5432", socket: "/run/s" };

/** Says its process id, and each signal that it gets; ends with 7 at `last`. */
const TRAPS = (last: string) =>
  `for s in TERM HUP INT QUIT; do trap "echo got $s" $s; done; trap "echo got ${last}; exit 7" ${last}; echo pid $$; while :; do sleep 0.05; done`;

/** Counts what a terminal sends, also where two come in a row; ends with 7 at SIGTERM. */
const COUNTS = `
import os, signal
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
print("ready", flush=True)
count = 0
while True:
    for number in os.read(reader, 1):
        if number == signal.SIGTERM:
            raise SystemExit(7)
        count += 1
        print("got", count, flush=True)
`;

function alive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

describe("what it gets", () => {
  test("our streams, our environment, and what is filled in", async () => {
    const script = 'cat; echo "$0 $1 $2 $WHERE [$EMPTY] $LANG"; echo oops >&2; exit 3';
    const outcome = await run(command("sh", "-c", script, "{socket}", "-p{port}", "{{x}}"), { stdin: "in\n" });
    expect(outcome).toEqual({
      status: 3,
      stdout: "in\n/run/s -p5432 {x} 127.0.0.1:5432 [] C.UTF-8\n",
      stderr: "oops\nended with 3\n",
    });
  });

  test("no shell in between", async () => {
    const { stdout } = await run(command("printf", "%s|", "a b", "$HOME", "*", "'\"", ""));
    expect(stdout).toBe("a b|$HOME|*|'\"||");
  });

  test("the name that it was called by", async () => {
    expect((await run(command("sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline"))).stdout).toStartWith("sh -c");
  });
});

describe("its status is ours", () => {
  test.each([
    ["true", 0],
    ["exit 1", 1],
    ["exit 255", 255],
    ["kill -TERM $$", 143],
    ["kill -KILL $$", 137],
    ["kill -INT $$", 130],
  ])("%s: %d", async (script, status) => {
    expect(await run(command("sh", "-c", script))).toMatchObject({ status, stderr: `ended with ${status}\n` });
  });
});

describe("signals", () => {
  test.each(["TERM", "HUP", "INT", "QUIT"])("SIG%s is passed on, and we end when it has ended", async (last) => {
    const program = start(scene, command("sh", "-c", TRAPS(last)));
    const [, pid] = await program.output("stdout", /pid (\d+)\n/);
    program.signal(`SIG${last}` as NodeJS.Signals);
    expect(await program.ended).toBe(7);
    expect(program.stdout).toBe(`pid ${pid}\ngot ${last}\n`);
    expect(alive(Number(pid))).toBe(false);
  });

  test("one that it takes and lives on with does not end us, and the next still reaches it", async () => {
    const program = start(scene, command("sh", "-c", TRAPS("INT")));
    await program.output("stdout", /pid/);
    program.signal("SIGTERM");
    await program.output("stdout", /got TERM/);
    program.signal("SIGTERM");
    await program.output("stdout", /got TERM\ngot TERM/);
    expect(program.running).toBe(true);
    program.signal("SIGINT");
    expect(await program.ended).toBe(7);
  });

  const needs = missing(["python3"]);
  if (needs.length > 0) leaveOut("^C on a terminal reaches the program behind -- once", needs);
  else
    test("^C on a terminal reaches it once, and does not end us before it", async () => {
      const terminal = new TerminalProgram(scene, command("python3", scene.write("count.py", COUNTS)));
      await terminal.shows(/ready/);
      const typed = ["\x03", "\x1c", "\x03", "\x1c", "\x03"];
      for (const [i, key] of typed.entries()) {
        terminal.type(key);
        await until(`${i + 1} signals`, () => terminal.screen.includes(`got ${i + 1}\n`));
      }
      // To us alone; what we would have passed on before has reached it before.
      terminal.signal("SIGTERM");
      await terminal.shows(/ended with 7/);
      expect(await terminal.ended).toBe(7);
      expect(terminal.screen).not.toContain(`got ${typed.length + 1}`);
    });

  test("a crash of ours ends it", async () => {
    const program = start(scene, [process.execPath, PROGRAM, "crash", "sh", "-c", TRAPS("TERM")]);
    const [, pid] = await program.output("stdout", /pid (\d+)\n/);
    expect(await program.ended).toBe(70);
    await until("the program to end", () => !alive(Number(pid)));
    expect(program.stdout).toContain("got TERM");
  });
});

describe("mistakes", () => {
  const refused = async (words: string[], env: Record<string, string> = environment()) => {
    const child = new ChildCommand(words, [], "--env");
    return child.run(VALUES, fakeRuntime({ env, cwd: scene.folder })).catch((error: unknown) => error);
  };

  test.each([
    [["no-such-program-here"], "no such program", "install it, or give its path"],
    [["./no-such-program"], "no such program", "check its path"],
    [["/no/such/program"], "no such program", "check its path"],
    [["/"], "no such program", "check its path"],
  ])("%p", async (words, why, hint) => {
    const message = `cannot start ${JSON.stringify(words[0])}: ${why}`;
    expect(await refused(words)).toMatchObject({ message, code: "child.not_found", exit: 69, hint });
  });

  test("a file that is not executable, by path and by name", async () => {
    scene.write("bin/tool", "#!/bin/sh\n");
    for (const [word, env] of [
      ["./bin/tool", environment()],
      ["tool", { PATH: `/nowhere:${scene.path("bin")}` }],
    ] as const) {
      expect(await refused([word], env)).toMatchObject({ code: "child.not_executable", exit: 69 });
    }
  });

  test("a file that the system cannot run", async () => {
    chmodSync(scene.write("nothing", "\x7fELF nothing"), 0o755);
    chmodSync(scene.write("script", "#!/no/such/shell\n"), 0o755);
    for (const word of ["./nothing", "./script"]) {
      expect(await refused([word])).toMatchObject({ code: "child.not_executable", exit: 69 });
    }
  });

  test("a name is looked for in the folders of its own PATH, and nowhere else", async () => {
    chmodSync(scene.write("here", "#!/bin/sh\nexit 5\n"), 0o755);
    chmodSync(scene.write("tools/here", "#!/bin/sh\nexit 6\n"), 0o755);
    expect(await refused(["here"], { PATH: "" })).toMatchObject({ code: "child.not_found" });
    expect(await refused(["here"], { PATH: ":/nowhere:" })).toMatchObject({ code: "child.not_found" });
    expect(await refused(["here"], { PATH: "/nowhere:tools" })).toBe(6);
    expect(await refused(["./here"], {})).toBe(5);
    const child = new ChildCommand(["here"], [`PATH=${scene.path("tools")}`], "--env");
    expect(await child.run(VALUES, fakeRuntime({ env: { PATH: "/nowhere" } }))).toBe(6);
  });

  test.each([
    [[], [], "child.missing"],
    [[""], [], "child.missing"],
    [["psql", "{prot}"], [], "template.unknown"],
    [["psql"], ["hunter2"], "child.setting"],
    [["psql"], ["=hunter2"], "child.setting"],
    [["psql"], ["A-B=hunter2"], "child.setting"],
    [["psql"], ["PGPASSWORD=hunter2{"], "template.brace"],
    [["psql", "password=hunter2}"], [], "template.brace"],
  ])("%p %p", (words, settings, code) => {
    let error: unknown;
    try {
      error = new ChildCommand(words, settings, "--env");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code, exit: 64 });
    expect((error as Error).message).not.toContain("hunter2");
  });

  test("a command line shows its secrets to nobody", () => {
    const child = new ChildCommand(["psql", "password=hunter2"], ["PGPASSWORD=hunter2"], "--env");
    expect(inspect(child) + Bun.inspect(child) + JSON.stringify(child)).not.toContain("hunter2");
  });
});
