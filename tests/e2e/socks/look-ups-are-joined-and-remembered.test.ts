/** Look-ups at a service that counts them: joined while one is under way, remembered for their time, and one provider's answer is another's key. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { Asking, metricsOf } from "../../support/asking-scene.ts";
import { JsonService } from "../../support/json-service.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";

const FILES = {
  "/people/ada": '{"email": "ada@corp.example"}',
  "/people/bob": '{"email": "bob@corp.example"}',
  "/people/slow": `{"email": "slow@corp.example", "rest": "${"x".repeat(4000)}"}`,
  "/devices/ada%40corp.example": '{"managed": true}',
  "/devices/ada@corp.example": '{"managed": true}',
  "/devices/bob@corp.example": '{"managed": false}',
  "/devices/slow@corp.example": '{"managed": true}',
};
/** A second or two for all of it: long enough for the others to come in meanwhile. */
const SERVER = "location = /people/slow { limit_rate 2k; }";

scenario(import.meta.file, ["curl", "htpasswd", "nginx"], ({ scene, portail }) => {
  let service: JsonService;
  let asking: Asking;
  let status: number;
  const count = (path: string) => service.asked.filter((line) => line.startsWith(`${path} `)).length;
  const provider = (name: string, key: string, path: string, set: string, more: string) =>
    `[provider.${name}]\nkind = "http"\nkey = "${key}"\nurl = "http://127.0.0.1:${service.port}/${path}/{${key}}"\nset = ["${set}"]\n${more}\n`;

  beforeAll(async () => {
    service = await JsonService.open(scene, { files: FILES, server: SERVER });
    status = freePort();
    // The one that needs the other's fact stands first.
    const providers =
      provider("devices", "user.email", "devices", "device.managed = /managed", 'ttl = "1h"') +
      provider(
        "people",
        "client.user",
        "people",
        "user.email = /email",
        'ttl = "2s"\nnegative-ttl = "2s"\ntimeout = "20s"',
      );
    asking = await Asking.open(scene, portail, ["ada", "bob", "eve", "slow"], {
      providers,
      when: "device.managed == true",
      args: ["--status", `127.0.0.1:${status}`, "--context-timeout", "20s"],
    });
  });

  test("one provider's answer is another's key", async () => {
    expect(await asking.decided("ada")).toMatchObject({ decision: "allow", facts: { "device.managed": true } });
    expect(await asking.decided("bob")).toMatchObject({ decision: "deny", reason: "default" });
    // Only what policies mention is recorded.
    expect((await asking.decided("ada")).facts).not.toHaveProperty("user.email");
    expect(await asking.decided("eve")).toMatchObject({ decision: "deny", missing: "device.managed" });
    expect(service.asked.filter((line) => line.startsWith("/devices/")).length).toBe(2);
  });

  test("answers are remembered, also that there is none", async () => {
    const before = [count("/people/ada"), count("/people/eve"), service.asked.length];
    await until(
      "an answer to be forgotten",
      async () => (await asking.decided("ada"), count("/people/ada") > before[0]!),
    );
    await until(
      "an answer to be forgotten",
      async () => (await asking.decided("eve"), count("/people/eve") > before[1]!),
    );
    const [ada, all] = [count("/people/ada"), service.asked.length];
    for (let i = 0; i < 5; i++) {
      expect(await asking.decided("ada")).toMatchObject({ decision: "allow" });
      expect(await asking.decided("eve")).toMatchObject({ decision: "deny" });
    }
    // At a leisurely pace one may have become too old in between.
    expect(count("/people/ada") - ada).toBeLessThan(5);
    expect(service.asked.length - all).toBeLessThan(10);
    expect(count("/devices/ada%40corp.example")).toBe(1);
  });

  test("twenty requests of one user are one look-up", async () => {
    const got = await Promise.all(Array.from({ length: 20 }, () => asking.get("slow")));
    expect(got.map(({ stdout }) => stdout)).toEqual(Array.from(got, () => "hello from the web\n"));
    expect(count("/people/slow")).toBe(1);
    expect(count("/devices/slow%40corp.example")).toBe(1);
    const metrics = await metricsOf(status);
    const lookups = (result: string) =>
      metrics.get(`portail_provider_lookups_total{provider="people",result="${result}"}`)!;
    expect(lookups("joined")).toBeGreaterThan(0);
    expect(lookups("hit") + lookups("miss") + lookups("joined")).toBeGreaterThanOrEqual(20);
    expect(metrics.get('portail_provider_duration_seconds_count{provider="people"}')).toBe(lookups("miss"));
    expect(metrics.get('portail_provider_entries{provider="devices"}')).toBe(3);
  });

  test("a reload forgets, and counts on", async () => {
    const before = count("/devices/ada%40corp.example");
    const counted = (await metricsOf(status)).get('portail_provider_lookups_total{provider="devices",result="miss"}')!;
    const policy = await Bun.file(asking.proxy.policyFile).text();
    expect(await asking.proxy.reload(policy)).toMatchObject({ outcome: "done" });
    expect(await asking.decided("ada")).toMatchObject({ decision: "allow" });
    expect(count("/devices/ada%40corp.example")).toBe(before + 1);
    const after = (await metricsOf(status)).get('portail_provider_lookups_total{provider="devices",result="miss"}')!;
    expect(after).toBe(counted + 1);
  });

  test("a policy that needs no provider asks none", async () => {
    expect(await asking.proxy.reload(allowLocal(asking.web.port))).toMatchObject({ outcome: "done" });
    const before = service.asked.length;
    expect((await asking.get("ada")).stdout).toBe("hello from the web\n");
    expect(service.asked.length).toBe(before);
  });
});
