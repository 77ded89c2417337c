/** `portail check`: which daemon a file is for, and that it is refused for the reasons for which the daemon would not start. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../../cli/commands.ts";
import { run } from "../../../../cli/run.ts";
import { authority } from "../../../support/pki.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-check-"));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

const ca = authority();
const own = ca.issue({ cn: "own" });
put("ca.pem", ca.cert);
put("own.pem", own.chain);
put("own.key", own.key);
put("all.acl", "policy all { when port == 80 action allow }\n");
put("broken.acl", "policy all { when\n");
put("hosts", "192.0.2.1 web.test\n");
put("verifier.ts", "export default () => 'check';\n");
put("users", "ann:$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe\n");
const IDENTITY = 'cert = "own.pem"\nkey = "own.key"\ncacert = "ca.pem"\n';
const ROUTE = '[[route]]\nname = "web"\nserver-name = "web.test"\ntarget = "127.0.0.1:9"\n';
const OWN = '[identity.own]\ncert = "own.pem"\nkey = "own.key"\n';

/** A file that each daemon could be started with. */
const GOOD: Record<string, string> = {
  "mux forward": 'server = "localhost:443"\nlisten = "systemd:listen"\ncacert = "ca.pem"\n',
  "mux serve": `listen = "systemd:listen"\n${OWN}${ROUTE}`,
  "s3crypt serve": 'upstream-url = "https://s3.test/"\nkeyring-file = "keyring.toml"\npassword-file = "password"\n',
  socks: `acl = "${folder}/all.acl"\nusers = "${folder}/users"\naudit = "${folder}/audit.jsonl"\n`,
  tproxy: `${IDENTITY}hosts = "${folder}/hosts"\naudit = "${folder}/audit.jsonl"\n[[rule]]\nname = "web.test"\nport-map = "80:443"\nverifier = "verifier.ts"\nacl = "${folder}/all.acl"\n`,
  "tunnel server": `listen = "systemd:listen"\ntarget = "localhost:9"\nallow-cn = "me"\n${IDENTITY}audit = "${folder}/audit.jsonl"\n`,
  "tunnel client": `listen = "systemd:listen"\ntarget = "localhost:9"\nverify-cn = "me"\n${IDENTITY}`,
};

async function check(text: string, ...args: string[]) {
  put("it.toml", text);
  const runtime = fakeRuntime({ cwd: folder });
  const status = await run(root, ["check", "it.toml", ...args], runtime);
  return { status, out: runtime.stdout.text(), err: runtime.stderr.text() };
}

/** What it says of a file that is not good. */
async function refusal(text: string, ...args: string[]) {
  const { status, out, err } = await check(text, ...args);
  expect(out).toBe("");
  const [, message, code, hint] = /^portail check: (.*) \[(\S+)\]\n(?: {2}hint: (.*)\n)?$/m.exec(err) ?? [];
  return { status, code, message, hint };
}

async function keys(): Promise<void> {
  if (existsSync(join(folder, "keyring.toml"))) return;
  const runtime = fakeRuntime({ cwd: folder });
  expect(await run(root, ["s3crypt", "keys", "init", "--keyring-file", "keyring.toml"], runtime)).toBe(0);
  put("password", runtime.stdout.text());
}

describe("a good file", () => {
  test.each(Object.entries(GOOD))("of %s", async (words, text) => {
    if (words.startsWith("s3crypt")) await keys();
    const good: Awaited<ReturnType<typeof check>> = {
      status: 0,
      out: `it.toml: good for "portail ${words}"\n`,
      err: "",
    };
    expect(await check(text)).toEqual(good);
    expect(await check(text, "--for", words)).toEqual(good);
    expect(await check(text, "--for", words.replaceAll(" ", "-"))).toEqual(good);
  });

  test("leaves no audit file behind", () => {
    expect(existsSync(join(folder, "audit.jsonl"))).toBe(false);
  });
});

describe("the daemon", () => {
  test("must be said where several take the keys", async () => {
    expect(await refusal('listen = "127.0.0.1:0"\nacl = "all.acl"\n')).toEqual({
      status: 64,
      code: "check.ambiguous",
      message: '"it.toml" could be for s3crypt-serve, socks, tunnel-server, tunnel-client',
      hint: "say which with --for",
    });
  });

  test("is none where no one takes them all", async () => {
    expect(await refusal(`allow-cn = "me"\n${ROUTE}`)).toEqual({
      status: 78,
      code: "check.no_daemon",
      message: 'no daemon takes every key and table of "it.toml"',
      hint: "--for COMMAND says what is wrong for that one, e.g. --for tunnel-server",
    });
    expect(await refusal(`allow-cn = "me"\n${ROUTE}`, "--for", "mux-serve")).toMatchObject({
      status: 78,
      code: "config.unknown_key",
      message: 'it.toml:1: unknown key "allow-cn"',
    });
  });

  test("is a daemon", async () => {
    expect(await refusal("", "--for", "tunnel-servr")).toEqual({
      status: 64,
      code: "check.not_a_daemon",
      message: '--for: "tunnel-servr" is no daemon that reads a configuration',
      hint: 'did you mean "tunnel-server"?',
    });
    expect(await refusal("", "--for", "acl-lint")).toMatchObject({
      hint: "there are mux-forward, mux-serve, s3crypt-serve, socks, tproxy, tunnel-server, tunnel-client",
    });
  });

  test("is not asked for where all say the same", async () => {
    expect(await refusal("listen = \n")).toMatchObject({ status: 78, code: "config.syntax" });
    mkdirSync(join(folder, "folder"));
    const runtime = fakeRuntime({ cwd: folder });
    expect(await run(root, ["check", "folder"], runtime)).toBe(66);
    expect(runtime.stderr.text()).toContain("[config.unreadable]");
  });
});

const BAD: [words: string, from: string, to: string, status: number, code: string][] = [
  ["socks", "all.acl", "broken.acl", 65, "acl.invalid"],
  ["socks", '/users"', '/none"', 66, "users.unreadable"],
  ["socks", "audit =", 'listen = "192.0.2.1:1"\nudp-address = "::"\naudit =', 78, "udp.off"],
  ["tunnel server", "own.key", "ca.pem", 65, "identity.certificate_as_key"],
  ["tunnel server", 'allow-cn = "me"', `acl = "${folder}/broken.acl"`, 65, "acl.invalid"],
  ["tunnel client", "localhost:9", "name.invalid:9", 69, "tunnel.target_unresolved"],
  ["tunnel client", "own.pem", "none.pem", 66, "identity.cert_unreadable"],
  ["tproxy", "own.key", "ca.pem", 65, "identity.certificate_as_key"],
  ["tproxy", "all.acl", "broken.acl", 65, "acl.invalid"],
  ["tproxy", '/hosts"', '/none"', 66, "tproxy.hosts_unreadable"],
  ["tproxy", '"verifier.ts"', '"all.acl"', 65, "verifier.unusable"],
  ["tproxy", "[[rule]]", 'status = "https://localhost:9"\n[[rule]]', 64, "status.address"],
  ["tproxy", "[[rule]]", 'mode = "anyip"\ninstance = "two"\n[[rule]]', 64, "usage.conflict"],
  ["mux serve", ROUTE, `${ROUTE}${ROUTE.replace('"web"', '"same"')}`, 78, "mux.overlap"],
  [
    "mux serve",
    'target = "',
    `acl = "${folder}/broken.acl"
terminate = true
identity = "own"
target = "`,
    65,
    "acl.invalid",
  ],
  ["mux forward", "ca.pem", "own.key", 65, "identity.key_as_trust"],
  ["mux forward", 'server = "localhost:443"', "", 64, "usage.missing"],
  ["mux forward", 'listen = "systemd:listen"', "", 64, "usage.missing"],
  ["s3crypt serve", '"password"', '"ca.pem"', 65, "s3crypt.wrong_password"],
  ["s3crypt serve", "https://s3.test/", "s3.test", 64, "s3crypt.upstream_url"],
];

test.each(BAD)("%s is refused with %j as %j", async (words, from, to, status, code) => {
  const text = GOOD[words]!;
  expect(await refusal(text.replace(from, to), "--for", words)).toMatchObject({ status, code });
});

test.each(Object.entries(GOOD))("%s is refused with a broken policy for its status page", async (words, text) => {
  if (words.startsWith("s3crypt")) await keys();
  const status = (acl: string) =>
    `status = "127.0.0.1:0"\nstatus-acl = "${folder}/${acl}"\nstatus-cacert = "ca.pem"\n${text}`;
  expect(await refusal(status("broken.acl"), "--for", words)).toMatchObject({ status: 65, code: "acl.invalid" });
  expect(await check(status("all.acl"), "--for", words)).toMatchObject({ status: 0 });
});
