/** From argv to exit status: finding commands, arguments, configuration, help and version, errors; streams kept apart. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../cli/run.ts";
import { fakeRuntime, type FakeOptions } from "./fake-runtime.ts";
import { fakeTree, type Call } from "./fake-tree.ts";

async function portail(line: string, options: FakeOptions = {}) {
  const runtime = fakeRuntime(options);
  const calls: Call[] = [];
  const loads: string[] = [];
  const status = await run(fakeTree(calls, loads), line === "" ? [] : line.split(" "), runtime);
  return { status, out: runtime.stdout.text(), err: runtime.stderr.text(), calls, loads };
}

describe("a command", () => {
  test("gets its arguments, with defaults, and its status is returned", async () => {
    const { status, out, err, calls, loads } = await portail("serve --listen a --acl p --listen=b --no-color");
    expect({ status, out, err, loads }).toEqual({ status: 0, out: "", err: "", loads: ["serve"] });
    expect(calls[0]?.args).toEqual({
      listen: ["a", "b"],
      acl: "p",
      color: false,
      "drain-timeout": "30s",
      debug: false,
      config: undefined,
    });
  });

  test("is found below a group, with nothing else imported", async () => {
    const { status, out, calls, loads } = await portail("policy check p c d");
    expect({ status, out, loads }).toEqual({ status: 1, out: "data\n", loads: ["policy", "check"] });
    expect(calls[0]?.args).toEqual({ policy: "p", cases: ["c", "d"] });
  });

  test("does not run when an argument is wrong", async () => {
    const { status, out, err, calls } = await portail("serve --acl p --listne a");
    expect({ status, out, calls }).toEqual({ status: 64, out: "", calls: [] });
    expect(err).toBe("portail serve: unknown flag --listne [usage.unknown_flag]\n  hint: did you mean --listen?\n");
  });

  test("does not run without what it requires", async () => {
    const { status, err, calls } = await portail("serve");
    expect({ status, calls }).toEqual({ status: 64, calls: [] });
    expect(err).toBe("portail serve: --acl is required [usage.missing]\n  hint: Policy\n");
  });
});

describe("words that are no command", () => {
  test.each([
    ["serv", 'portail: unknown command "serv" [usage.unknown_command]\n  hint: did you mean "portail serve"?\n'],
    [
      "policy chekc",
      'portail: unknown command "chekc" [usage.unknown_command]\n  hint: did you mean "portail policy check"?\n',
    ],
    ["frobnicate", 'portail: unknown command "frobnicate" [usage.unknown_command]\n  hint: see "portail --help"\n'],
    ["constructor", 'portail: unknown command "constructor" [usage.unknown_command]\n  hint: see "portail --help"\n'],
    ["help serv", 'portail: unknown command "serv" [usage.unknown_command]\n  hint: did you mean "portail serve"?\n'],
    [
      "help serve x",
      'portail serve: unexpected argument "x" [usage.extra_argument]\n  hint: see "portail serve --help"\n',
    ],
    ["--hepl", "portail: unknown flag --hepl [usage.unknown_flag]\n  hint: did you mean --help?\n"],
    [
      "--listen=a serve",
      'portail: unknown flag --listen [usage.unknown_flag]\n  hint: flags follow the command; see "portail --help"\n',
    ],
    ["--verbose", "portail: --verbose goes with --version [usage.missing]\n"],
  ])("%s", async (line, text) => {
    const { status, out, err, loads } = await portail(line);
    expect({ status, out, err }).toEqual({ status: 64, out: "", err: text });
    expect(loads).not.toContain("check");
  });
});

describe("help", () => {
  test("of a command goes to stdout, by flag or word, whatever else is wrong on the line", async () => {
    const wanted = (await portail("serve --help")).out;
    expect(wanted).toContain("portail serve --acl FILE [FLAG...]");
    for (const line of ["serve -h", "help serve", "serve --nonsense --help"]) {
      expect(await portail(line)).toMatchObject({ status: 0, out: wanted, err: "", calls: [] });
    }
  });

  test("of a group lists its members", async () => {
    const { status, out, err } = await portail("policy --help");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toContain("  check  Check a policy\n");
    expect((await portail("help")).out).toBe((await portail("--help")).out);
  });

  test("goes to stderr when the command is missing", async () => {
    const { status, out, err } = await portail("");
    expect({ status, out }).toEqual({ status: 64, out: "" });
    expect(err).toBe((await portail("--help")).out);
    expect(await portail("policy")).toMatchObject({ status: 64, out: "" });
  });

  test("is not asked for behind --", async () => {
    expect((await portail("policy check -- --help")).calls).toHaveLength(1);
  });

  test("has no escapes when piped, nor with NO_COLOR, and some on a terminal", async () => {
    const escapes = /\u001b\[/;
    expect((await portail("serve --help")).out).not.toMatch(escapes);
    expect((await portail("serve --help", { columns: 80 })).out).toMatch(escapes);
    expect((await portail("serve --help", { columns: 80, env: { NO_COLOR: "1" } })).out).not.toMatch(escapes);
  });
});

test("--version prints the version, and the runtime's with --verbose", async () => {
  expect(await portail("--version")).toMatchObject({ status: 0, out: "portail 1.2.3\n", err: "" });
  expect((await portail("-V")).out).toBe("portail 1.2.3\n");
  expect((await portail("policy --version")).out).toBe("portail 1.2.3\n");
  expect((await portail("--version --verbose")).out).toMatch(/^portail 1\.2\.3\nbun \d+\.\d+\.\d+\n/);
  expect((await portail("--version --nonsense")).status).toBe(64);
});

describe("configuration", () => {
  const cwd = mkdtempSync(join(tmpdir(), "portail-run-"));
  writeFileSync(
    join(cwd, "good.toml"),
    'acl = "file"\nlisten = ["f"]\ndrain_timeout = "5s"\n[backend.b]\ntarget = "t:1"\n',
  );
  writeFileSync(join(cwd, "bad.toml"), 'acl = "file"\nlsten = "f"\n');
  afterAll(() => rmSync(cwd, { recursive: true }));

  test("gives what the command line does not, and satisfies what is required", async () => {
    const { status, calls } = await portail("serve --config good.toml --listen c", { cwd });
    expect(status).toBe(0);
    expect(calls[0]?.args).toMatchObject({ acl: "file", listen: ["c"], "drain-timeout": "5s", color: true });
    expect(calls[0]?.config).toMatchObject({
      path: "good.toml",
      tables: { backend: new Map([["b", expect.anything()]]) },
    });
  });

  test("comes from environment variables where neither the command line nor the file has it", async () => {
    const listen = async (line: string, LISTEN: string) => {
      const { calls } = await portail(line, { cwd, env: { LISTEN } });
      return (calls[0]!.args as { listen: string[] }).listen;
    };
    expect(await listen("serve --acl p", "e")).toEqual(["e"]);
    expect(await listen("serve --acl p", "")).toEqual([]);
    expect(await listen("serve --acl p --listen c", "e")).toEqual(["c"]);
    expect(await listen("serve --config good.toml", "e")).toEqual(["f"]);
  });

  test("is refused with its line and the nearest name", async () => {
    const { status, err, calls } = await portail("serve --config bad.toml", { cwd });
    expect({ status, calls }).toEqual({ status: 78, calls: [] });
    expect(err).toBe(
      'portail serve: bad.toml:2: unknown key "lsten" [config.unknown_key]\n  hint: did you mean "listen"?\n',
    );
  });
});

describe("a failure", () => {
  test("of the operator's prints detail, message, code and hint, without control characters", async () => {
    const { status, out, err } = await portail("policy check refused");
    expect({ status, out }).toEqual({ status: 65, out: "data\n" });
    const text = 'a frame\nportail policy check: "refused" is no policy [acl.x]\n  hint: try\\u001b[0m another\n';
    expect(err).toBe(text);
  });

  test("of ours is status 70 and asks for a report; the stack only for those who want it", async () => {
    const { status, err } = await portail("policy check bug");
    expect(status).toBe(70);
    const first = "portail policy check: internal error: TypeError: undefined is not a policy [bug]\n";
    expect(err).toBe(
      `${first}  hint: this is a bug in portail, please report it; PORTAIL_DEBUG=1 shows where it comes from\n`,
    );
    const debug = await portail("policy check bug", { env: { PORTAIL_DEBUG: "1" } });
    expect(debug.err).toContain("fake-tree.ts");
  });
});
