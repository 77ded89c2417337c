/** What is remembered is found, and stays within its bounds. */
import { expect, test } from "bun:test";
import { Layout } from "../../../../../../commands/s3crypt/object/layout.ts";
import { MultipartMemory } from "../../../../../../commands/s3crypt/serve/multipart/memory.ts";
import { content } from "../../../../../support/s3crypt.ts";

const OBJECT_ID = content(16, 1);
const receipt = (plain: number) => ({ plain, md5: content(16, 2), commitment: content(32, 3), checksums: [] });
const remembered = (tag: string, count: number) => ({
  tag,
  layout: new Layout(
    OBJECT_ID,
    0n,
    true,
    Array.from({ length: count }, (_, i) => ({ number: i + 1, plain: 1 })),
  ),
  fronts: new Map<number, Uint8Array>(),
});

test("an attempt is known by upload, part and the storage's tag, until it is forgotten", () => {
  const memory = new MultipartMemory();
  memory.keep(OBJECT_ID, 1, "a", receipt(1));
  memory.keep(OBJECT_ID, 1, "b", receipt(2));
  expect(memory.receipt(OBJECT_ID, 1, "a")?.plain).toBe(1);
  expect(memory.receipt(OBJECT_ID, 1, "b")?.plain).toBe(2);
  expect(memory.receipt(OBJECT_ID, 2, "a")).toBeUndefined();
  expect(memory.receipt(content(16, 9), 1, "a")).toBeUndefined();
  memory.forget(OBJECT_ID, [[1, "a"]]);
  expect(memory.receipt(OBJECT_ID, 1, "a")).toBeUndefined();
  expect(memory.receipt(OBJECT_ID, 1, "b")?.plain).toBe(2);
});

test("of too many attempts the oldest go", () => {
  const memory = new MultipartMemory();
  for (let part = 1; part <= 100_002; part++) memory.keep(OBJECT_ID, part, "a", receipt(part));
  expect([1, 2, 3, 100_002].map((part) => memory.receipt(OBJECT_ID, part, "a")?.plain)).toEqual([
    undefined,
    undefined,
    3,
    100_002,
  ]);
});

test("of too many layouts those go that nobody asked for", () => {
  const memory = new MultipartMemory();
  for (let i = 0; i < 20; i++) memory.remember(`/${i}`, remembered("t", 10_000));
  expect(memory.layoutOf("/0")?.tag).toBe("t");
  memory.remember("/new", remembered("u", 10_000));
  expect(memory.layoutOf("/1")).toBeUndefined();
  expect(memory.layoutOf("/0")).toBeDefined();
  memory.remember("/0", remembered("v", 1));
  expect(memory.layoutOf("/0")?.tag).toBe("v");
  memory.drop("/0");
  expect(memory.layoutOf("/0")).toBeUndefined();
});

test("what is done for one object is done one after the other, failures or not", async () => {
  const memory = new MultipartMemory();
  const events: string[] = [];
  const act = (objectId: Uint8Array, name: string, fails = false) =>
    memory.alone(objectId, async () => {
      events.push(`${name} begins`);
      await Promise.resolve();
      events.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const both = [act(OBJECT_ID, "a", true), act(OBJECT_ID, "b"), act(content(16, 9), "c")];
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(events.filter((event) => !event.startsWith("c"))).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  expect(events.indexOf("c begins")).toBeLessThan(events.indexOf("a ends"));
});
