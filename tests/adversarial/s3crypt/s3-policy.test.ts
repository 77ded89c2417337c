/** A policy on buckets and keys of S3: no other way of asking leads around it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { headOf, type Gateway } from "./gateway.ts";
import { ask, signed, startS3, type Order } from "./s3-requests.ts";

const POLICY = `
policy mine {
  when s3.bucket == "jail" and s3.key =~ "^mine/" and s3.operation in ["GetObject", "PutObject", "CopyObject", "DeleteObject"]
  action allow
}
`;

let folder: string;
let gateway: Gateway;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portail-policy-"));
  writeFileSync(join(folder, "s3.acl"), POLICY);
  gateway = await startS3(["--acl", join(folder, "s3.acl")]);
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const from = (source: string): readonly Field[] => [["x-amz-copy-source", source]];

test.each<[string, Order]>([
  ["another key", { path: "/theirs/a" }],
  ["another key, spelt otherwise", { path: "/%74heirs/a" }],
  ["dots", { path: "/mine/../theirs/a" }],
  ["dots in disguise", { path: "/mine/%2e%2e/theirs/a" }],
  ["a copy from elsewhere", { method: "PUT", path: "/mine/a", headers: from("/theirs/a") }],
  ["a copy from elsewhere, spelt otherwise", { method: "PUT", path: "/mine/a", headers: from("%74heirs/a") }],
  ["a copy from there by dots", { method: "PUT", path: "/mine/a", headers: from("mine/../theirs/a") }],
  ["a copy to elsewhere", { method: "PUT", path: "/theirs/a", headers: from("/mine/a") }],
  ["a listing", { path: "/", query: "list-type=2&prefix=mine/" }],
  ["another operation", { path: "/mine/a", query: "acl" }],
])("%s is denied", async (_, order) => {
  const before = gateway.storage.opened;
  for (const port of [gateway.port, gateway.s3Port]) {
    const path = port === gateway.port ? `/upstream${order.path}` : order.path;
    const { status, body } = await ask(port, signed({ ...order, path }).head);
    expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([403, "AccessDenied"]);
  }
  expect(gateway.storage.opened).toBe(before);
});

test("what is allowed goes on, a copy from where may be read too", async () => {
  const order = { method: "PUT", path: "/mine/b", headers: from("/mine/a") };
  const told = ask(gateway.s3Port, signed(order).head);
  const storage = await gateway.storage.next();
  expect((await headOf(storage))[0]).toBe("GET /jail/mine/a HTTP/1.1");
  storage.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  storage.end();
  expect((await told).status).toBe(404);
});
