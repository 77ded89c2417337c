/** Thousands of UDP associations: each one too many is refused, descriptors stay below the limit, an idle one is cheap. At full size with PORTAIL_LONG. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { Associated } from "../../support/associated.ts";
import { AccessProxy } from "../../support/access-proxy.ts";
import { scenario } from "../../support/scenario.ts";
import { udpEcho } from "../../support/udp-echo.ts";
import { until } from "../../support/until.ts";

const LONG = process.env["PORTAIL_LONG"] === "1";
const MANY = LONG ? 4000 : 300;
/** KiB of resident memory that an association may cost; measured are 8 to 10 of an idle one, with the runtime's own growth. */
const MOST_KIB = 40;

/** Opens `count` at the pace of a few at a time. */
async function openMany(port: number, count: number): Promise<Associated[]> {
  const all: Associated[] = [];
  while (all.length < count) {
    const some = Math.min(50, count - all.length);
    all.push(...(await Promise.all(Array.from({ length: some }, () => Associated.open(port)))));
  }
  return all;
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

scenario(import.meta.file, [], ({ scene, portail }) => {
  const withLimit = async (files: number, port: number) => {
    const policy = `policy udp { when proxy.cmd == "udp_associate" and dest.ip == 127.0.0.1 and port == ${port} action allow }`;
    const begin = (args: string[]) => portail.start(args, {}, ["sh", "-c", `ulimit -n ${files} && exec "$@"`, "sh"]);
    const proxy = new AccessProxy(scene, begin, { policy, args: ["--udp"] });
    await proxy.listening();
    return proxy;
  };

  test(`${MANY} idle associations hold two descriptors each, and little memory`, async () => {
    const echo = await udpEcho(scene);
    const proxy = await withLimit(3 * MANY + 200, echo.port);
    const { pid } = proxy.program;
    const warm = await openMany(proxy.port, 20);
    for (const client of warm) client.close();
    await until("the end of them", () => proxy.audit().filter(({ event }) => event === "close").length === 20);
    const before = { files: descriptors(pid), kib: residentKib(pid) };
    const clients = await openMany(proxy.port, MANY);
    expect(clients.filter(({ code }) => code !== 0)).toEqual([]);
    expect(descriptors(pid) - before.files).toBe(2 * MANY);
    expect((residentKib(pid) - before.kib) / MANY).toBeLessThan(MOST_KIB);
    // The first datagram costs one more.
    for (const client of clients.slice(0, 10)) await client.send("127.0.0.1", echo.port, "hello");
    for (const client of clients.slice(0, 10)) await client.answer("hello");
    expect(descriptors(pid) - before.files).toBe(2 * MANY + 10);
    for (const client of clients) client.close();
    await until("all descriptors to be given back", () => descriptors(pid) <= before.files);
  }, 120_000);

  test("beyond the limit associations are refused, and datagrams that would need one more descriptor are dropped", async () => {
    const echo = await udpEcho(scene);
    const files = Math.floor(MANY * 1.2);
    const proxy = await withLimit(files, echo.port);
    const { pid } = proxy.program;
    const base = descriptors(pid);
    const clients = await openMany(proxy.port, MANY);
    const open = clients.filter(({ code }) => code === 0);
    // Two descriptors each; 64 are kept for the program itself.
    expect(open.length).toBe(Math.floor((files - 64) / 2));
    expect((await proxy.record("reject")).reason).toBe("limit");
    for (const client of clients) if (client.code !== 0) client.close();
    for (const client of open) await client.send("127.0.0.1", echo.port, "hello");
    // Nothing tells that a datagram was dropped; what is asserted holds at any time.
    await Bun.sleep(100);
    expect(descriptors(pid) - base).toBeLessThanOrEqual(files - 64);
    for (const client of open) client.close();
    const closes = () => proxy.audit().flatMap((line) => (line.event === "close" ? [line.datagrams!] : []));
    await until("their ends", () => closes().length === open.length);
    expect(closes().reduce((sum, { sent, dropped }) => sum + sent + dropped, 0)).toBe(open.length);
    expect(closes().some(({ dropped }) => dropped > 0)).toBe(true);
    await until("all descriptors to be given back", () => descriptors(pid) <= base + 8);
    const [late] = await openMany(proxy.port, 1);
    await late!.send("127.0.0.1", echo.port, "late");
    await late!.answer("late");
    late!.close();
  }, 120_000);
});
