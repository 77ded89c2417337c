/** `portail doctor` beside what the programs of the machine say of themselves, and where rights, limits and tokens are taken away. */
import { beforeAll, expect, test } from "bun:test";
import type { Finding } from "../../commands/doctor/finding.ts";
import { OwnNetwork } from "../support/own-network.ts";
import { run, type RunOptions } from "../support/program.ts";
import { scenario, type Stage } from "../support/scenario.ts";
import { MODULE, PIN, SOFTHSM, SoftHsm } from "../support/softhsm.ts";

const NEEDS = [...SOFTHSM, "mkfifo", "nft", "prlimit", "setpriv", "unshare"];
const ROOT = process.getuid?.() === 0;
/** Nobody but root has rights to lose. */
const WITHOUT_RIGHTS = ROOT ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];

interface Report {
  v: number;
  version: string;
  impossible: boolean;
  stopped: { command: string; codes: string[] }[];
  findings: Finding[];
}

function tell({ scene, portail }: Stage): void {
  const doctor = (args: readonly string[], prefix: readonly string[] = [], options: RunOptions = {}) =>
    run([...prefix, ...portail.command, "doctor", ...args], { cwd: scene.folder, ...options });

  async function report(args: readonly string[], prefix?: readonly string[], options?: RunOptions) {
    const { status, stdout, stderr } = await doctor([...args, "--json"], prefix, options);
    expect(stderr).toBe("");
    const told = JSON.parse(stdout) as Report;
    return { status, ...told, of: (code: string) => told.findings.find((finding) => finding.code === code) };
  }

  test("for people: aligned paragraphs, no longer than a line of a terminal, and no failure for notes", async () => {
    const { status, stdout, stderr } = await doctor([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^ok {4}program {7}portail \d+\.\d+\.\d+, /);
    const [paragraphs = ""] = stdout.split("\n\n");
    for (const line of paragraphs.trimEnd().split("\n")) {
      expect(line).toMatch(/^(?:(?:ok {4}|note {2}|warn {2})[\w ]{14}\S| {20}\S)/);
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("what programs say of themselves", async () => {
    const { status, v, version, of } = await report([]);
    expect([status, v]).toEqual([0, 1]);
    expect((await portail.run(["--version"])).stdout).toBe(`portail ${version}\n`);
    const nft = await run(["nft", "--version"]);
    const told = ["nft.taken", "nft.unasked", "nft.refused"].map((code) => of(code)?.text ?? "").join("");
    expect(told).toStartWith(`nft ${/v([\d.]+)/.exec(nft.stdout)![1]}, `);
    const form = portail.command.length === 1 ? "compiled" : "run from its sources";
    expect(of("program.version")!.text).toContain(`, ${form}, `);
  });

  test("a limit of open files that somebody has set", async () => {
    const { of } = await report([], ["prlimit", "--nofile=1000:1000"]);
    const { text, means } = of("limits.few_open_files")!;
    expect(text).toBe("1,000");
    expect(means).toContain("468 relayed connections");
  });

  test("without rights nothing can be captured, and the proxy works all the same", async () => {
    const tproxy = await report(["tproxy"], WITHOUT_RIGHTS);
    expect(tproxy.status).toBe(1);
    expect(tproxy.stopped).toEqual([{ command: "tproxy", codes: ["capture.not_allowed"] }]);
    expect(tproxy.of("capture.not_allowed")!.state).toBe("warn");
    expect(tproxy.of("nft.unasked")).toBeDefined();
    const socks = await report(["socks"], WITHOUT_RIGHTS);
    expect([socks.status, socks.stopped, socks.of("capture.not_allowed")]).toEqual([0, [], undefined]);
    const text = await doctor(["tproxy", "socks"], WITHOUT_RIGHTS);
    expect(text.status).toBe(1);
    expect(text.stdout).toEndWith(
      "\n\nportail tproxy cannot work here: capture.not_allowed\nportail socks can work here\n",
    );
  });

  test("in a network of its own: loopback only, a firewall that is as it was, and ports that are free to all", async () => {
    const net = await OwnNetwork.open(scene);
    const before = await net.run(["nft", "list", "ruleset"]);
    const privileged = await report(["tproxy"], net.prefix);
    expect([privileged.status, privileged.of("nft.taken")?.state]).toEqual([0, "ok"]);
    expect(privileged.of("ipv6.loopback")).toBeDefined();
    expect(await net.run(["nft", "list", "ruleset"])).toEqual(before);
    if (!ROOT) return;
    const inside = [...net.prefix, ...WITHOUT_RIGHTS];
    expect((await report(["socks"], inside)).of("ports.privileged")?.text).toContain("1024");
    await net.run(["sh", "-c", "echo 443 > /proc/sys/net/ipv4/ip_unprivileged_port_start"]);
    expect((await report(["socks"], inside)).of("ports.privileged")?.text).toContain("443");
    await net.run(["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start"]);
    expect((await report(["socks"], inside)).of("ports.all")).toBeDefined();
  });

  test("the service manager's variables", async () => {
    const env = { NOTIFY_SOCKET: scene.path("nobody"), LISTEN_FDS: "1", LISTEN_PID: "1" };
    const { status, of } = await report(["mux"], [], { env });
    expect([status, of("systemd.notify_gone")?.state, of("systemd.sockets_of_another")?.state]).toEqual([
      0,
      "warn",
      "warn",
    ]);
  });

  let softhsm: SoftHsm;
  beforeAll(() => {
    softhsm = new SoftHsm(scene, "doctor's own");
  });

  test("a module's tokens, without a PIN", async () => {
    const { status, of } = await report(["tunnel", "--module", MODULE], [], { env: softhsm.env });
    expect(status).toBe(0);
    expect(of("tokens.module")!.text).toContain(' has "doctor\'s own"');
    expect(of("openssl.found")).toBeDefined();
    const { stdout } = await doctor(["--module", MODULE], [], { env: { ...softhsm.env, PKCS11_PIN: PIN } });
    expect(stdout).not.toContain(PIN);
  });

  test("modules that are none, and one that never answers, are refused", async () => {
    await run(["mkfifo", scene.path("silent.so")]);
    scene.write("text.so", "not a library\n");
    const { status, findings } = await report(["--module", "silent.so", "--module", "text.so", "--module", "gone.so"]);
    expect(status).toBe(1);
    const refused = findings.filter(({ code }) => code === "tokens.module_unusable");
    expect(refused.map(({ text }) => text)).toEqual(
      ["silent.so", "text.so", "gone.so"].map((name) => `${scene.path(name)} cannot be used`),
    );
    expect(refused[0]!.means).toStartWith("no answer within ");
  });

  test("a machine without OpenSSL has no TLS by keys in tokens", async () => {
    const env = { ...softhsm.env, PORTAIL_OPENSSL: scene.folder };
    const plain = await report(["tunnel"], [], { env });
    expect([plain.status, plain.of("openssl.none")?.state]).toEqual([0, "note"]);
    const wanted = await report(["tunnel", "--module", MODULE], [], { env });
    expect([wanted.status, wanted.of("openssl.none")?.state]).toEqual([1, "warn"]);
  });

  test("a command that is none", async () => {
    const { status, stderr } = await doctor(["tproxy", "soks"]);
    expect(status).toBe(64);
    expect(stderr).toMatch(/"soks".*\[doctor\.unknown_command\]\n {2}hint: did you mean "socks"\?/);
  });
}

scenario(import.meta.file, NEEDS, tell);
