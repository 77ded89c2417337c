/** Programs as providers: jq, python and the shell decide by lines of JSON; one that dies, falls silent or lies leaves its facts missing. */
import { existsSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { Asking, metricsOf } from "../../support/asking-scene.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";

const JQ = '{id, facts: {"user.groups": (if .facts["client.user"] == "ada" then ["staff", "ops"] else ["staff"] end)}}';

/** What a program may get wrong, by the user that it is asked for; for any other user it is right. */
const PYTHON = `
import json, os, sys, time
for line in sys.stdin:
    question = json.loads(line)
    id, user = question["id"], question["facts"]["client.user"]
    answer = json.dumps({"id": id, "facts": {"user.groups": ["ops"]}})
    if user == "wrong": answer = json.dumps({"id": id, "facts": {"user.groups": {"ops": True}}})
    if user == "stranger": answer = json.dumps({"id": id + 1000, "facts": {"user.groups": ["ops"]}})
    if user == "core": answer = json.dumps({"id": id, "facts": {"client.user": "ada", "host": "x", "port": 1}})
    if user == "text": answer = "yes"
    if user == "none": answer = json.dumps({"id": id, "facts": None})
    if user == "huge": answer = json.dumps({"id": id, "facts": {"user.groups": ["ops"], "x": "x" * 100000}})
    if user == "slow": continue
    if user == "dies": os._exit(3)
    if user == "deaf": os.close(1); time.sleep(600)
    if user == "endless":
        while True: os.write(1, b"x" * 65536)
    print(answer, flush=True)
`;

const LIES: [user: string, trouble: string | undefined][] = [
  ["wrong", undefined],
  ["none", undefined],
  ["core", undefined],
  ["stranger", "timeout"],
  ["text", "timeout"],
  ["slow", "timeout"],
  ["huge", "down"],
  ["endless", "down"],
  ["dies", "down"],
  ["deaf", "down"],
];

const provider = (command: readonly string[], more = "") =>
  `[provider.people]\nkind = "program"\nkey = "client.user"\nset = ["user.groups"]\ntimeout = "1s"\ncommand = ${JSON.stringify(command)}\n${more}`;
const WHEN = '"ops" in user.groups';

scenario(import.meta.file, ["curl", "htpasswd", "jq", "python3"], ({ scene, portail }) => {
  test("jq as a provider of one line", async () => {
    const providers = provider(["jq", "--compact-output", "--unbuffered", JQ]);
    const asking = await Asking.open(scene, portail, ["ada", "grace"], { providers, when: WHEN });
    expect(await asking.decided("ada")).toMatchObject({
      decision: "allow",
      facts: { "user.groups": ["staff", "ops"] },
      got: true,
    });
    expect(await asking.decided("grace")).toMatchObject({ decision: "deny", reason: "default", got: false });
    expect(await asking.proxy.stop()).toBe(0);
  });

  test("a program that is not there stops the start", async () => {
    const config = scene.write("none.toml", provider(["/nonexistent/program"]));
    const policy = scene.write("none.acl", `policy p { when ${WHEN} action allow }`);
    const { status, stderr } = await portail.run([
      "socks",
      "--config",
      config,
      "--acl",
      policy,
      "--listen",
      "127.0.0.1:0",
    ]);
    expect(status).toBe(69);
    expect(stderr).toContain(
      '[provider.people]: cannot start "/nonexistent/program": no such program [child.not_found]',
    );
  });

  test("one that no policy needs is not even looked for", async () => {
    const config = scene.write("unneeded.toml", provider(["/nonexistent/program"]));
    const proxy = await portail.socks({ policy: "policy p { when port > 0 action deny }", args: ["--config", config] });
    expect(await proxy.stop()).toBe(0);
  });

  let asking: Asking;
  let status: number;
  beforeAll(async () => {
    status = freePort();
    const script = scene.write("people.py", `${PYTHON}`);
    const started = scene.path("started");
    // The shell notes its number, which becomes that of the program.
    const command = ["/bin/sh", "-c", 'echo $$ >>"$0"; exec python3 "$1"', started, script];
    asking = await Asking.open(scene, portail, ["ada", "grace", ...LIES.map(([user]) => user)], {
      providers: provider(command, 'max-size = "64K"\nttl = "0"\nnegative-ttl = "0"\n'),
      when: WHEN,
      args: ["--status", `127.0.0.1:${status}`],
    });
  });
  const numbers = () => readFileSync(scene.path("started"), "utf8").trim().split("\n").map(Number);

  test("it is started when it is first needed, and stays", async () => {
    expect(existsSync(scene.path("started"))).toBe(false);
    for (const user of ["ada", "grace", "ada"]) expect(await asking.decided(user)).toMatchObject({ decision: "allow" });
    expect(numbers().length).toBe(1);
  });

  test.each(LIES)("%s: the fact is missing", async (user, trouble) => {
    // Whatever the one before did: the program is there, after a pause perhaps.
    await until("the program", async () => (await asking.decided("ada")).decision === "allow");
    const label = `portail_provider_errors_total{provider="people",class="${trouble}"}`;
    const before = (await metricsOf(status)).get(label);
    const found = await asking.decided(user);
    expect(found).toMatchObject({ decision: "deny", reason: "missing_fact", missing: "user.groups", got: false });
    expect(Object.keys(found.facts)).not.toContain("user.groups");
    if (trouble !== undefined) expect((await metricsOf(status)).get(label)).toBe(before! + 1);
  });

  test("it ends with the proxy", async () => {
    await until("the program", async () => (await asking.decided("ada")).decision === "allow");
    const running = numbers().filter((pid) => existsSync(`/proc/${pid}`));
    expect(running.length).toBe(1);
    expect(await asking.proxy.stop()).toBe(0);
    expect(existsSync(`/proc/${running[0]}`)).toBe(false);
  });

  test("and with its sudden death", async () => {
    const started = scene.path("orphan");
    const command = [
      "/bin/sh",
      "-c",
      `echo $$ >"$0"; exec jq -c --unbuffered '{id, facts: {"user.groups": ["ops"]}}'`,
      started,
    ];
    const doomed = await Asking.open(scene, portail, ["ada"], { providers: provider(command), when: WHEN });
    expect(await doomed.decided("ada")).toMatchObject({ decision: "allow" });
    doomed.proxy.program.signal("SIGKILL");
    await until("its end", () => !existsSync(`/proc/${readFileSync(started, "utf8").trim()}`));
  });
});
