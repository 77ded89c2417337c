/** SIGHUP again and again while users are looked up by a program and a service: nobody is denied, and one program is left. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { Asking } from "../../support/asking-scene.ts";
import { JsonService } from "../../support/json-service.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const USERS = ["ada", "bob", "cyd", "dee"];
const RELOADS = 6;

scenario(import.meta.file, ["curl", "htpasswd", "jq", "nginx"], ({ scene, portail }) => {
  test("nobody notices", async () => {
    const files = Object.fromEntries(USERS.map((user) => [`/cities/${user}`, '{"country": "FR"}']));
    const service = await JsonService.open(scene, { files });
    const started = scene.path("started");
    const command = [
      "/bin/sh",
      "-c",
      `echo $$ >>"$0"; exec jq -c --unbuffered '{id, facts: {"user.groups": ["ops"]}}'`,
      started,
    ];
    const common = 'key = "client.user"\nttl = "0"\ntimeout = "10s"\n';
    const asking = await Asking.open(scene, portail, USERS, {
      providers: `
[provider.people]
kind = "program"
command = ${JSON.stringify(command)}
set = ["user.groups"]
${common}
[provider.cities]
kind = "http"
url = "http://127.0.0.1:${service.port}/cities/{client.user}"
set = ["geo.country = /country"]
${common}`,
      when: '"ops" in user.groups and geo.country == "FR"',
      args: ["--context-timeout", "20s"],
    });
    const policy = await Bun.file(asking.proxy.policyFile).text();
    const stop = new AbortController();
    const got: string[] = [];
    const lanes = USERS.map(async (user) => {
      while (!stop.signal.aborted) got.push((await asking.get(user)).stdout);
    });
    for (let i = 0; i < RELOADS; i++) {
      const enough = got.length + USERS.length;
      await until("more requests", () => got.length >= enough);
      expect(await asking.proxy.reload(policy)).toMatchObject({ outcome: "done" });
    }
    const enough = got.length + USERS.length;
    await until("more requests", () => got.length >= enough);
    stop.abort();
    await Promise.all(lanes);
    expect(new Set(got)).toEqual(new Set(["hello from the web\n"]));
    expect(asking.proxy.audit().filter((line) => line.event === "decision" && line.decision !== "allow")).toEqual([]);
    const numbers = readFileSync(started, "utf8").trim().split("\n").map(Number);
    expect(numbers.length).toBe(RELOADS + 1);
    await until("the old programs to end", () => numbers.filter((pid) => existsSync(`/proc/${pid}`)).length === 1);
    expect(existsSync(`/proc/${numbers.at(-1)}`)).toBe(true);
    expect(await asking.proxy.stop()).toBe(0);
  });
});
