/** A right to upload is used once, unless the upload came to nothing; where nobody can tell, it is not used. */
import { expect, test } from "bun:test";
import { onceOnly, type WriteOnce } from "../../../../../commands/s3crypt/serve/write-once.ts";

function registry(more: Partial<WriteOnce> = {}): WriteOnce & { taken: Set<string> } {
  const taken = new Set<string>();
  return {
    taken,
    failsOpen: false,
    take: async (path) => !taken.has(path) && taken.add(path) !== undefined,
    give: async (path) => void taken.delete(path),
    ...more,
  };
}

const use = (rights: WriteOnce, stored = true) => onceOnly(rights, "p", Infinity, async () => stored);

test("a hundred at once give one upload", async () => {
  const rights = registry();
  const all = await Promise.allSettled(Array.from({ length: 100 }, () => use(rights)));
  expect(all.filter(({ status }) => status === "fulfilled").length).toBe(1);
  expect(all.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "used_up", status: 403 } });
});

test("an upload that came to nothing gives it back", async () => {
  const rights = registry();
  await use(rights, false);
  expect(rights.taken.size).toBe(0);
  const broken = onceOnly(rights, "p", Infinity, () => Promise.reject(new Error("broken")));
  expect(broken).rejects.toThrow("broken");
  await broken.catch(() => {});
  expect(rights.taken.size).toBe(0);
  await use(rights);
  expect(rights.taken.size).toBe(1);
});

test("a registry that does not answer denies, or lets through where that is asked for", async () => {
  const take = () => Promise.reject(new Error("down"));
  expect(await use(registry({ take })).catch((error: unknown) => error)).toMatchObject({ code: "used_up" });
  const given: string[] = [];
  const open = registry({ take, failsOpen: true, give: async (path) => void given.push(path) });
  await use(open, false);
  expect(given).toEqual([]);
});
