/** While a slow provider is asked: a client that leaves is not dialled and gives its place back; the deadline for all providers ends the waiting. */
import { createConnection } from "node:net";
import { beforeAll, expect, test } from "bun:test";
import { Asking, metricsOf } from "../../support/asking-scene.ts";
import { JsonService } from "../../support/json-service.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";

const FILES = {
  "/people/ada": `{"groups": ["ops"], "rest": "${"x".repeat(4000)}"}`,
  "/cities/ada": '{"country": "FR"}',
};
/** Whole after some two seconds. */
const SERVER = "location /people/ { limit_rate 2k; }";

scenario(import.meta.file, ["curl", "htpasswd", "nginx"], ({ scene, portail }) => {
  let service: JsonService;
  beforeAll(async () => {
    service = await JsonService.open(scene, { files: FILES, server: SERVER });
  });
  const providers = () => `
[provider.people]
kind = "http"
key = "client.user"
url = "http://127.0.0.1:${service.port}/people/{client.user}"
set = ["user.groups = /groups"]
timeout = "20s"
ttl = "0"
[provider.cities]
kind = "http"
key = "client.user"
url = "http://127.0.0.1:${service.port}/cities/{client.user}"
set = ["geo.country = /country"]
`;
  const when = '"ops" in user.groups and geo.country == "FR"';

  /** What each protocol says up to its request. */
  const requests = (port: number): [way: string, bytes: Buffer][] => {
    const words = (text: string) => Buffer.from(text, "latin1");
    const basic = `Proxy-Authorization: Basic ${btoa("ada:a password")}\r\n\r\n`;
    const target = `127.0.0.1:${port}`;
    const socks = words("\x05\x01\x02\x01\x03ada\x0aa password\x05\x01\x00\x01\x7f\x00\x00\x01..");
    socks.writeUInt16BE(port, socks.length - 2);
    return [
      ["SOCKS5", socks],
      ["CONNECT", words(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic}`)],
      ["a forward request", words(`GET http://${target}/hello HTTP/1.1\r\nHost: ${target}\r\n${basic}`)],
    ];
  };

  test("one that leaves", async () => {
    const status = freePort();
    const asking = await Asking.open(scene, portail, ["ada"], {
      providers: providers(),
      when,
      args: ["--status", `127.0.0.1:${status}`, "--context-timeout", "20s", "--max-conns-per-client", "1"],
    });
    for (const [way, bytes] of requests(asking.web.port)) {
      asking.proxy.forget();
      const client = createConnection(asking.proxy.port, "127.0.0.1", () => client.write(bytes));
      client.on("error", () => {});
      await until(`the request by ${way}`, async () => (await metricsOf(status)).get("portail_tunnels_open") === 1);
      // An orderly end of its direction might be all that it has to say; this is no misunderstanding.
      client.resetAndDestroy();
      const reject = await asking.proxy.record("reject");
      expect({ way, ...reject }).toMatchObject({
        way,
        reason: "client",
        user: "ada",
        message: expect.stringContaining("left before"),
      });
      expect((await metricsOf(status)).get("portail_tunnels_open")).toBe(0);
      expect(asking.proxy.audit().filter(({ event }) => event === "decision")).toEqual([]);
    }
    expect(asking.web.requests).toEqual([]);
    // The one place that there is for this client is free again; and a patient one gets what it asked for.
    expect(await asking.decided("ada")).toMatchObject({ decision: "allow", got: true });
    expect(await asking.proxy.stop()).toBe(0);
  });

  test("the deadline for all providers together: what is late is missing, what came in time is there", async () => {
    const asking = await Asking.open(scene, portail, ["ada"], {
      providers: providers(),
      when,
      args: ["--context-timeout", "500ms"],
    });
    expect(await asking.decided("ada")).toMatchObject({
      decision: "deny",
      missing: "user.groups",
      facts: { "geo.country": "FR" },
      got: false,
    });
  });

  test("a stop waits for nobody's look-up longer than for a tunnel", async () => {
    const asking = await Asking.open(scene, portail, ["ada"], {
      providers: providers(),
      when,
      args: ["--shutdown-timeout", "200ms"],
    });
    const before = service.asked.length;
    const got = asking.get("ada");
    await until("the look-up", () => service.asked.length > before);
    expect(await asking.proxy.stop()).toBe(1);
    expect((await got).stdout).toBe("");
    expect(asking.web.requests).toEqual([]);
  });
});
