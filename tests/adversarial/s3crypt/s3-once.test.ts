/** A presigned URL of S3 uploads once: not again at another listener, with another signature, or after an upload that was good. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headOf, newName, type Gateway } from "./gateway.ts";
import { ask, presigned, signed, startS3, type Told } from "./s3-requests.ts";

let folder: string;
let gateway: Gateway;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portail-once-"));
  gateway = await startS3(["--write-once", "--write-once-db", join(folder, "once.db")]);
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const BYTES = Buffer.from("hello");

function put(
  root: "/" | "/upstream/",
  name: string,
  { age = 0, expires = 60, isPresigned = true } = {},
): Promise<Told> {
  const order = { method: "PUT", path: root + name, date: Date.now() - age };
  const head = isPresigned ? presigned(order, expires) : signed(order).head;
  const port = root === "/" ? gateway.s3Port : gateway.port;
  return ask(port, { ...head, headers: [...head.headers, ["Content-Length", "5"]] }, BYTES);
}

async function answer(status: string): Promise<void> {
  const storage = await gateway.storage.next();
  await headOf(storage);
  storage.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  storage.end();
}

test("another time is denied wherever it is asked for, and nothing reaches the storage", async () => {
  const name = newName();
  const first = put("/upstream/", name);
  await answer("200 OK");
  expect((await first).status).toBe(200);
  const before = gateway.storage.opened;
  expect(await put("/upstream/", name, { expires: 120 })).toEqual({ status: 403, body: "Access denied" });
  const { status, body } = await put("/", name.replace("o", "%6F"));
  expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([403, "AccessDenied"]);
  expect(gateway.storage.opened).toBe(before);
});

test("a signature that is wrong, and a failure of the storage, use nothing up", async () => {
  const name = newName();
  const head = presigned({ method: "PUT", path: `/${name}` });
  expect((await ask(gateway.s3Port, { ...head, path: `${head.path}x` })).status).toBe(403);
  for (const [status, code] of [
    ["500 Oh", 500],
    ["200 OK", 200],
  ] as const) {
    const told = put("/", name);
    await answer(status);
    expect((await told).status).toBe(code);
  }
});

test("a URL that is over, but within what clocks may differ, is held for as long", async () => {
  const name = newName();
  const told = put("/", name, { age: 600_000, expires: 30 });
  await answer("200 OK");
  expect((await told).status).toBe(200);
  expect((await put("/", name, { age: 600_000, expires: 30 })).status).toBe(403);
});

test("signatures in headers are good for as many as are made", async () => {
  const name = newName();
  for (let i = 0; i < 2; i++) {
    const told = put("/", name, { isPresigned: false });
    await answer("200 OK");
    expect((await told).status).toBe(200);
  }
});
