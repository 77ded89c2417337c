/** The configuration file: what it may say, and that each refusal names file, line and the nearest name. */

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, parseConfig } from "../../../../lib/command/config.ts";
import { defineCommand } from "../../../../lib/command/define.ts";
import { PortailError } from "../../../../lib/command/errors.ts";
import { configFlags } from "../../../../lib/command/flags.ts";

const COMMAND = defineCommand({
  meta: { name: "socks", description: "", examples: [], exits: [], tables: ["backend", "listen"] },
  args: {
    listen: { type: "string", multiple: true, description: "" },
    "max-connections": { type: "string", description: "" },
    quiet: { type: "boolean", description: "" },
    policy: { type: "positional", description: "" },
    server: { type: "positional", inFile: true, description: "" },
    ...configFlags,
  },
  run: () => 0,
});

const read = (text: string) => parseConfig(text, "p.toml", COMMAND);

function refusal(text: string): { code: string; message: string; hint?: string | undefined } {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    expect(error.exit).toBe(78);
    const { code, message, hint } = error;
    return { code, message, ...(hint !== undefined && { hint }) };
  }
  throw new Error(`accepted: ${text}`);
}

describe("parseConfig() reads", () => {
  test("flags with dashes or underscores, integers as their text, one value or several", () => {
    const { values } = read('listen = ["a", 1]\nmax_connections = 1_000\nquiet = true\n');
    expect(Object.fromEntries(values)).toEqual({ listen: ["a", "1"], "max-connections": "1000", quiet: true });
    expect(read('listen = "a"').values.get("listen")).toEqual(["a"]);
  });

  test("an argument that may stand in a file", () => {
    expect(Object.fromEntries(read('server = "a:1"').values)).toEqual({ server: "a:1" });
    expect(refusal('policy = "p"')).toMatchObject({ code: "config.unknown_key" });
  });

  test("named tables and lists of tables, in order, with the keys of their schema", () => {
    const { tables } = read(
      '[backend.a]\ntarget = "h:1"\nserver_name = "n"\n[backend.b]\ntarget = "h:2"\n[[listen]]\naddress = "x"\n[[listen]]\naddress = "y"\n',
    );
    expect([...tables.backend.keys()]).toEqual(["a", "b"]);
    expect(tables.backend.get("a")).toEqual({
      target: "h:1",
      dynamic: false,
      "auth-file": undefined,
      "http-version": undefined,
      "max-connections": undefined,
      "server-name": "n",
      "ssh-config": undefined,
      health: undefined,
      "health-interval": undefined,
      "health-fall": undefined,
      "health-rise": undefined,
      identity: undefined,
      trust: undefined,
    });
    expect(tables.listen.map((row) => row.address)).toEqual(["x", "y"]);
    expect(tables.trust.size).toBe(0);
  });
});

test("a table that inherits has the keys of the file and no defaults, so that it can say no", () => {
  const command = { ...COMMAND, meta: { ...COMMAND.meta, tables: ["tunnel"] as const } };
  const { tables } = parseConfig("[[tunnel]]\nallow-all = false\nalpn = []\n[[tunnel]]\n", "p.toml", command);
  expect(tables.tunnel).toEqual([{ "allow-all": false, alpn: [] }, {}]);
  expect(tables.tunnel.map((row) => Object.keys(row).length)).toEqual([2, 0]);
});

describe("parseConfig() refuses", () => {
  test("an unknown key", () => {
    expect(refusal('# c\n\nquiet = true\nlisten_ = "a"\n')).toEqual({
      code: "config.unknown_key",
      message: 'p.toml:4: unknown key "listen_"',
      hint: 'did you mean "listen"?',
    });
  });

  test("an unknown key in a table, after a value of several lines", () => {
    const text = 'listen = [\n  "a",\n]\n[backend.a]\ntarget = """\nx\n"""\n\nservername = "x"\n';
    expect(refusal(text)).toEqual({
      code: "config.unknown_key",
      message: 'p.toml:9: unknown key "servername"',
      hint: 'did you mean "server-name"?',
    });
  });

  test("a key that is no flag of a file", () => {
    expect(refusal('config = "x"').code).toBe("config.unknown_key");
    expect(refusal('policy = "x"').code).toBe("config.unknown_key");
    expect(refusal('constructor = "x"').code).toBe("config.unknown_key");
  });

  test("a table that the command does not take", () => {
    expect(refusal('[identity.a]\ncert = "x"\n')).toEqual({
      code: "config.table",
      message: 'p.toml:1: "socks" takes no table "identity"',
      hint: "it takes backend, listen",
    });
  });

  test.each([
    ["quiet = 1", '"quiet" must be true or false, not an integer'],
    ['quiet = "true"', '"quiet" must be true or false, not a string'],
    ["max-connections = 1.5", '"max-connections" must be a string or an integer, not a fraction'],
    ["max-connections = [1]", '"max-connections" must be a string or an integer, not an array'],
    ["max-connections = 2020-01-01", '"max-connections" must be a string or an integer, not a date'],
    ["listen = [true]", '"listen" must be a string, an integer or an array of them, not an array'],
    ["[max-connections]", '"max-connections" must be a string or an integer, not a table'],
    ["[listen]", "write [[listen]], not [listen]"],
    ["[[backend]]", "write [backend.NAME], not [[backend]]"],
    ["[backend]\na = 1", '"a" must be a table: write [backend.a]'],
  ])("the wrong type %j", (text, message) => {
    const { code, message: got } = refusal(text);
    expect(code).toBe("config.wrong_type");
    expect(got).toMatch(/^p\.toml:\d: /);
    expect(got.replace(/^p\.toml:\d: /, "")).toBe(message);
  });

  test("one key in two spellings", () => {
    const message = 'p.toml:2: "max_connections" is given more than once';
    expect(refusal("max-connections = 1\nmax_connections = 2\n")).toEqual({ code: "config.repeated", message });
  });

  test("a row without what its table requires", () => {
    expect(refusal('quiet = true\n[[listen]]\naddress = "a"\n[[listen]]\n')).toEqual({
      code: "config.missing",
      message: 'p.toml:4: "address" is required in "listen.1"',
    });
  });

  test("a syntax error, with line, column and frame", () => {
    let thrown: unknown;
    try {
      read('quiet = true\nlisten = "a\n');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "config.syntax", exit: 78 });
    expect((thrown as PortailError).message).toMatch(/^p\.toml:2:\d+: \S/);
    expect((thrown as PortailError).detail).toContain('listen = "a');
  });
});

describe("loadConfig()", () => {
  test("finds the file from the given folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "portail-config-"));
    try {
      writeFileSync(join(folder, "p.toml"), "quiet = true\n");
      expect(loadConfig("p.toml", folder, COMMAND).values.get("quiet")).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("refuses a file that it cannot read", () => {
    const expected = expect.objectContaining({ code: "config.unreadable", exit: 66 });
    expect(() => loadConfig("/nonexistent/p.toml", "/", COMMAND)).toThrow(expected);
  });
});

test("place() tells file and line of a key, however it is written", () => {
  const { place } = read('quiet = true\n\n[backend.a]\ntarget = "h:1"\nserver_name = "n"\n');
  expect(place(["quiet"])).toBe("p.toml:1");
  expect(place(["backend", "a"])).toBe("p.toml:3");
  expect(place(["backend", "a", "server-name"])).toBe("p.toml:5");
  // What is not there has the place of what would hold it.
  expect(place(["backend", "a", "trust"])).toBe("p.toml:3");
});
