/** The control socket of a proxy with thousands of clients: lists are complete, in bounded pieces, and end though others come. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callVarlink } from "../../lib/service/varlink-client.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";
import { startProxy } from "./harness.ts";
import { ask, RawClient } from "./raw-client.ts";

setDefaultTimeout(60_000);

const LIST = "dev.portail.Control.ListConnections";
const ACL = "policy nobody { action deny }";

test("1,500 clients are listed: the first thousand in one reply, all of them in several", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portail-control-"));
  const path = join(folder, "control");
  const proxy = await startProxy(ACL, ["--control", `unix:${path}`]);
  const clients: RawClient[] = [];
  while (clients.length < 1500)
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.open(proxy.port)))));
  const { parameters: first } = await callVarlink(path, { method: LIST, parameters: {} });
  expect(first).toMatchObject({ open: 1500, complete: false });
  expect(first["connections"]).toHaveLength(1000);

  const pages: JsonObject[] = [];
  let late: Promise<RawClient> | undefined;
  const more = (page: JsonObject) => {
    pages.push(page);
    late ??= RawClient.open(proxy.port);
  };
  const last = await callVarlink(path, { method: LIST, parameters: {}, more });
  pages.push(last.parameters);
  expect(pages.map(({ complete }) => complete)).toEqual([...Array(14).fill(false), true]);
  const sessions = pages.flatMap(({ connections }) => (connections as JsonObject[]).map(({ session }) => session));
  expect(new Set(sessions).size).toBe(1500);

  for (const client of [...clients, (await late)!]) client.end();
  expect(await proxy.drain()).toBe(0);
  expect(existsSync(path)).toBe(false);
  rmSync(folder, { recursive: true });
});

test("what is closed while it is listed does no harm, and is gone from the next list", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portail-control-"));
  const path = join(folder, "control");
  const proxy = await startProxy(ACL, ["--control", `unix:${path}`]);
  const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.open(proxy.port)));
  const close = "dev.portail.Control.CloseConnection";
  const closing: Promise<unknown>[] = [];
  const more = ({ connections }: JsonObject) => {
    if (closing.length > 0) return;
    for (const { session } of (connections as JsonObject[]).slice(0, 40))
      closing.push(callVarlink(path, { method: close, parameters: { session: session! } }));
  };
  await callVarlink(path, { method: LIST, parameters: {}, more });
  expect(closing.length).toBe(40);
  expect(await Promise.all(closing)).toEqual(closing.map(() => expect.objectContaining({ error: undefined })));
  const { parameters } = await callVarlink(path, { method: LIST, parameters: {} });
  expect(parameters["open"]).toBe(300 - closing.length);
  const denied = await ask("socks5", proxy.port, "127.0.0.1", 1);
  expect(denied.open).toBe(false);
  for (const client of [...clients, denied.client]) client.end();
  expect(await proxy.drain()).toBe(0);
  rmSync(folder, { recursive: true });
});
