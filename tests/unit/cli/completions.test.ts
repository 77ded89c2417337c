/** What `portail __complete` answers: over the real tree, with files of a folder, in the lines of each shell. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../cli/commands.ts";
import { run } from "../../../cli/run.ts";
import { fakeRuntime } from "./fake-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-complete-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

write("socks.toml", '[backend."north:east"]\ntarget = "http://n.test:3128"\n[backend.paris]\ntarget = "direct"\n');
write("evil.toml", '[backend."a\\u001b[2J"]\n[backend."x\\ny"]\n[backend."$(reboot) b"]\n');
write("broken.toml", "[backend\n");
write(
  "mux.toml",
  'listen = ["127.0.0.1:443"]\n[[route]]\nname = "web"\nserver-name = ["a.test", "*.b.test"]\nalpn = "h2"\n' +
    '[[route]]\nlisten = ["127.0.0.1:22"]\nserver_name = "c.test"\n',
);
write("keys.toml", '[keys]\n0 = "x"\n9 = "x"\n10 = "x"\n');
write("more.acl", "policy further { action deny }\n");
write(
  "p.acl",
  'include "more.acl"\npolicy web { when port == 443 action allow }\npolicy half { when }\n' +
    'route r { use ["paris"] }\ntest "t one" { given { port = 443 } expect allow by web }\n',
);
write("cases.toml", '[[test]]\nname = "t two"\n');

async function complete(...args: string[]) {
  const runtime = fakeRuntime({ cwd: folder, env: { HOME: folder, DS_KEYRING: "keys.toml" } });
  const status = await run(root, ["__complete", ...args], runtime);
  expect({ status, stderr: runtime.stderr.text() }).toEqual({ status: 0, stderr: "" });
  return runtime.stdout.text().split("\n").slice(0, -1);
}

/** Values for the last of `words`, what the shell adds, and what stands in front. */
async function offered(...words: string[]) {
  const [more, prefix, ...lines] = await complete("fish", ...words);
  return { more, prefix, values: lines.map((line) => line.split("\t")[0]!.slice(prefix!.length)) };
}
const values = async (...words: string[]) => (await offered(...words)).values;

describe("words", () => {
  test("commands, with descriptions", async () => {
    expect(await complete("fish", "acl", "")).toContain("lint\tFind what in an access policy is probably not meant");
    expect(await values("")).toEqual(expect.arrayContaining(["socks", "completion", "help"]));
    expect(await values("help", "socks", "ctl", "")).toContain("close");
    expect(await values("")).not.toContain("__complete");
  });

  test("flags that may still be given, none that are hidden", async () => {
    const flags = await values("tunnel", "server", "--allow-all", "--listen", ":1", "--");
    expect(flags).toEqual(expect.arrayContaining(["--listen", "--help", "--no-session-resumption", "--target"]));
    for (const flag of ["--allow-all", "--allow-dns-san"]) expect(flags).not.toContain(flag);
    expect(await values("tunnel", "server", "--allow-dns-s")).toContain("--allow-dns-san");
    expect(await values("--v")).toContain("--version");
  });

  test("a command that has commands below offers these, and its flags behind a dash", async () => {
    expect(await values("socks", "")).toEqual(["ctl"]);
    expect(await values("socks", "-")).toContain("--listen");
  });

  test.each([
    [
      ["socks", "--tls", ""],
      ["off", "optional", "required"],
    ],
    [
      ["tunnel", "server", "--min-tls-version=T"],
      ["TLS1.2", "TLS1.3"],
    ],
    [["mux", "connect", "--starttls", ""], ["postgres"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [
      ["tunnel", "server", "--quiet", "conns", "--quiet", ""],
      ["conns", "conn-errs", "handshake-errs", "all"],
    ],
    [["socks", "--connect-timeout", ""], []],
  ])("choices: %j", async (words, expected) => {
    expect(await values(...words)).toEqual(expected);
  });

  test.each([
    [["socks", "--config", ""], "files", ""],
    [["socks", "--config=x"], "files", "--config="],
    [["socks", "--listen", "unix:/r"], "files", "unix:"],
    [["socks", "--listen=unix:/r"], "files", "--listen=unix:"],
    [["socks", "--templates", ""], "folders", ""],
    [["acl", "test", "p.acl", ""], "files", ""],
    [["acl", "test", "--", ""], "files", ""],
    [["mux", "exec", "h:1", "--", "psql", ""], "program", ""],
    [["socks", "--idle-timeout", ""], "none", ""],
  ])("paths: %j", async (words, more, prefix) => {
    expect(await offered(...words)).toMatchObject({ more, prefix });
  });
});

describe("names", () => {
  test.each([
    ["backends", ["socks", "--config", "socks.toml", "--default-backend", ""], ["direct", "north:east", "paris"]],
    ["backends", ["socks", "--config=~/socks.toml", "--default-backend="], ["direct", "north:east", "paris"]],
    ["backends without a file", ["socks", "--default-backend", ""], ["direct"]],
    ["policies", ["acl", "explain", "p.acl", "--only", ""], ["web", "half", "further"]],
    ["policies", ["acl", "explain", "builtin:sample", "--only", ""], ["no_blocked", "local_services", "web_and_ssh"]],
    ["cases", ["acl", "test", "p.acl", "cases.toml", "--filter", ""], ["t one", "t two"]],
    ["used backends", ["acl", "lint", "p.acl", "--backend", ""], ["paris"]],
    ["key ids", ["s3crypt", "decrypt", "--from", ""], ["0", "9", "10"]],
    ["key ids", ["s3crypt", "decrypt", "--keyring-file", "broken.toml", "--from", ""], []],
    ["server names", ["mux", "explain", "--config", "mux.toml", "--server-name", ""], ["a.test", "c.test"]],
    ["protocol ids", ["mux", "explain", "--config", "mux.toml", "--alpn", ""], ["h2"]],
    ["listeners", ["mux", "explain", "--config", "mux.toml", "--at", ""], ["127.0.0.1:443", "127.0.0.1:22"]],
  ])("%s: %j", async (_, words, expected) => {
    expect(await values(...words)).toEqual(expected);
  });

  test("of the program", async () => {
    expect(await values("acl", "explain", "p.acl", "")).toEqual(expect.arrayContaining(["client.ip=", "geo."]));
    expect(await values("acl", "lint", "--rule", "")).toContain("shadowed-policy");
    expect(await values("acl", "lint", "--command", "")).toContain("socks");
    expect(await values("doctor", "tproxy", "")).toContain("tproxy-exec");
    expect(await values("mux", "serve", "--preset-target", "")).toContain("web=");
  });

  test("out of files hold no order for the terminal, and are quoted for bash", async () => {
    expect(await values("socks", "--config", "evil.toml", "--default-backend", "")).toEqual(["direct", "$(reboot) b"]);
    const line = "portail socks --config evil.toml --default-backend $";
    expect((await complete("bash", line.replace("$", "\\$"), "=:")).slice(4)).toEqual(["\\$\\(reboot\\)\\ b"]);
  });
});

describe("lines", () => {
  const colon = "portail socks --config socks.toml --default-backend";

  test("bash replaces from its last break", async () => {
    expect(await complete("bash", `${colon} no`, "=:")).toEqual(["none", "space", "no", "", "north:east"]);
    expect(await complete("bash", `${colon}=north:e`, "=:")).toEqual(["none", "space", "e", "", "east"]);
    expect(await complete("bash", `${colon}=north:e`, "")).toEqual([
      "none",
      "space",
      "north:e",
      "--default-backend=",
      "--default-backend=north:east",
    ]);
  });

  test("bash sets no space where a value goes on", async () => {
    expect(await complete("bash", "portail mux serve --preset-target we", "=:")).toEqual([
      "none",
      "nospace",
      "we",
      "",
      "web=",
    ]);
  });

  test("zsh has colons escaped, and a mark for the space", async () => {
    const lines = await complete("zsh", "socks", "--config", "socks.toml", "--default-backend", "n");
    expect(lines).toContain("+north\\:east:http://n.test:3128");
    expect((await complete("zsh", "mux", "serve", "--preset-target", "")).join("\n")).toMatch(/^-web=:/m);
  });
});

test.each([
  [["fish", "nonsense", ""]],
  [["fish", "socks", "--config", "broken.toml", "--default-backend", ""]],
  [["fish", "socks", "--config", "/dev/zero", "--default-backend", ""]],
  [["fish", "socks", "--config", "missing", "--default-backend", ""]],
  [["fish", "socks", "ctl", "close", "--control", "unix:/nonexistent", ""]],
  [["tcsh", "socks", ""]],
  [["fish"]],
  [[]],
])("%j is answered, without a word on standard error", async (args) => {
  for (const line of await complete(...args)) expect(line).not.toContain("rror");
});

test("what went wrong is told to who looks for it", async () => {
  const runtime = fakeRuntime({ cwd: folder, env: { PORTAIL_DEBUG: "1" } });
  expect(await run(root, ["__complete", "fish", "nonsense", ""], runtime)).toBe(0);
  expect(runtime.stderr.text()).toContain("nonsense");
});
