/** A JSON service (nginx) as a provider: its answers decide, and one that is down, slow, huge, or no answer leaves its facts missing. */
import { beforeAll, expect, test } from "bun:test";
import { Asking, metricsOf } from "../../support/asking-scene.ts";
import { JsonService } from "../../support/json-service.ts";
import { authority } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { freePort } from "../../support/free-port.ts";

const OPS = '{"user": {"groups": ["staff", "ops"], "level": 3}}';

/** What the service says of each user; eve is not there, and what others are told is no file. */
const FILES = {
  "/people/ada": OPS,
  "/people/grace": '{"user": {"groups": ["staff"], "level": 3}}',
  "/people/wrong": '{"user": {"groups": "ops", "level": 3}}',
  "/people/null": '{"user": {"groups": null}}',
  "/people/list": "[1, 2]",
  "/people/text": "it is no JSON",
  "/people/bytes": Uint8Array.of(0x22, 0xff, 0x22),
  "/people/empty": "",
  "/people/huge": `{"user": {"groups": ["ops"], "level": 3}, "rest": "${"x".repeat(5000)}"}`,
  "/people/slow": OPS,
};
const SERVER = `
    location = /people/slow { limit_rate 1; }
    location = /people/close { return 444; }
    location = /people/moved { return 302 /people/ada; }
    location = /people/broken { return 500 '${OPS}'; }
    location = /people/refused { return 401 '${OPS}'; }
    location = /people/created { return 201 '${OPS}'; }
    location = /people/nothing { return 204; }
`;

/** By user: what the audit calls missing, and the class of the trouble. */
const LIES: [user: string, missing: string, trouble: string | undefined][] = [
  ["eve", "user.groups", undefined],
  ["nothing", "user.groups", undefined],
  ["null", "user.groups", undefined],
  ["list", "user.groups", undefined],
  ["wrong", "user.groups", undefined],
  ["text", "user.groups", "syntax"],
  ["bytes", "user.groups", "syntax"],
  ["empty", "user.groups", "syntax"],
  ["huge", "user.groups", "size"],
  ["slow", "user.groups", "timeout"],
  ["close", "user.groups", "down"],
  ["moved", "user.groups", "status"],
  ["broken", "user.groups", "status"],
  ["refused", "user.groups", "status"],
  ["created", "user.groups", "status"],
];

const provider = (url: string, more = "") => `
[provider.people]
kind = "http"
key = "client.user"
url = "${url}"
set = ["user.groups = /user/groups", "user.level = /user/level"]
timeout = "400ms"
max-size = "1K"
ttl = "0"
negative-ttl = "0"
${more}`;
const WHEN = '"ops" in user.groups and user.level > 1';
const TROUBLE = (kind: string) => `portail_provider_errors_total{provider="people",class="${kind}"}`;

scenario(import.meta.file, ["curl", "htpasswd", "nginx", "openssl"], ({ scene, portail }) => {
  let service: JsonService;
  let asking: Asking;
  let status: number;
  const users = ["ada", "grace", ...LIES.map(([user]) => user)];
  beforeAll(async () => {
    service = await JsonService.open(scene, { files: FILES, server: SERVER });
    status = freePort();
    const token = scene.write("token", "a-secret-token\n", 0o600);
    const apiKey = scene.write("key", "a-secret-key", 0o600);
    asking = await Asking.open(scene, portail, users, {
      providers: provider(
        `http://127.0.0.1:${service.port}/people/{client.user}`,
        `token-file = "${token}"\nheader-file = ["X-Api-Key: ${apiKey}"]`,
      ),
      when: WHEN,
      args: ["--status", `127.0.0.1:${status}`],
      // Nobody listens there: whoever went through it would not arrive.
      env: Object.fromEntries(
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map((name) => [
          name,
          "http://127.0.0.1:9",
        ]),
      ),
    });
  });

  test("who is in the group goes out", async () => {
    expect(await asking.decided("ada")).toMatchObject({
      decision: "allow",
      facts: { "user.groups": ["staff", "ops"], "user.level": 3 },
      got: true,
    });
  });

  test("who is not, does not", async () => {
    expect(await asking.decided("grace")).toMatchObject({ decision: "deny", reason: "default", got: false });
  });

  test("it is asked with the secrets of the files, and they are nowhere else", async () => {
    expect(service.asked).toContain("/people/ada Bearer a-secret-token a-secret-key");
    expect(asking.proxy.program.stderr).not.toContain("a-secret");
    expect(await Bun.file(asking.proxy.auditFile).text()).not.toContain("a-secret");
  });

  test.each(LIES)("%s: %s is missing", async (user, missing, trouble) => {
    const before = await metricsOf(status);
    const found = await asking.decided(user);
    expect(found).toMatchObject({ decision: "deny", reason: "missing_fact", missing, got: false });
    expect(Object.keys(found.facts)).not.toContain(missing);
    if (trouble === undefined) return;
    const after = await metricsOf(status);
    expect(after.get(TROUBLE(trouble))! - before.get(TROUBLE(trouble))!).toBe(1);
  });

  test("one that is down is missing, and when it is there again it counts again", async () => {
    await service.end();
    expect(await asking.decided("grace")).toMatchObject({ reason: "missing_fact", missing: "user.groups" });
    await service.begin();
    expect(await asking.decided("ada")).toMatchObject({ decision: "allow" });
    expect(asking.proxy.program.stderr).toContain("provider people answers again");
  });

  test("over TLS it must be whom its URL names, of an authority that is trusted", async () => {
    const ca = authority("Providers' CA");
    const cacert = scene.write("ca.pem", ca.cert);
    const serve = async (name: string, san: string[]) => {
      const { chain, key } = ca.issue({ cn: "127.0.0.1", san });
      const tls = { cert: scene.write(`${name}.crt`, chain), key: scene.write(`${name}.key`, key, 0o600) };
      return JsonService.open(scene, { files: FILES, tls });
    };
    const trusted = 'trust = "ours"\n[trust.ours]\ncacert = ["' + cacert + '"]\n';
    const right = await serve("right", ["IP:127.0.0.1"]);
    const other = await serve("other", ["DNS:other.example"]);
    for (const [server, trust, decision] of [
      [right, trusted, "allow"],
      [right, "", "deny"],
      [other, trusted, "deny"],
    ] as const) {
      const providers = provider(`https://127.0.0.1:${server.port}/people/{client.user}`, trust);
      const secure = await Asking.open(scene, portail, ["ada"], { providers, when: WHEN });
      expect(await secure.decided("ada")).toMatchObject({
        decision,
        ...(decision === "deny" && { missing: "user.groups" }),
      });
      if (decision === "deny") {
        expect(secure.proxy.program.stderr).toContain("provider people: the server is not trusted");
        expect(server.asked.filter((line) => line.includes("/people/ada")).length).toBe(server === right ? 1 : 0);
      }
      await secure.proxy.stop();
    }
  });
});
