/** What a file takes over from the one whose place it takes, and flushing of folders. Who does so is in write-file.test.ts and in e2e/s3crypt. */
import { afterAll, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { flushFolder, takeAfter } from "../../../../lib/command/replace-steps.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

test.each([
  [0o7777, 0o6750],
  [0o777, 0o750],
])("of the mode the bits %o are taken over, and the owner", (bits, mode) => {
  const old = statSync(scene.write("old", "old"));
  const fd = openSync(scene.path(`new-${bits}`), "w", 0o600);
  try {
    const uid = process.getuid!() === 0 ? 12_345 : old.uid;
    takeAfter(fd, Object.assign(old, { uid, mode: 0o106750 }), bits);
    const { mode: made, uid: owner } = fstatSync(fd);
    expect([made & 0o7777, owner]).toEqual([mode, uid]);
  } finally {
    closeSync(fd);
  }
});

test("a folder is flushed, and where that fails the system's reason is told", () => {
  expect(flushFolder(scene.folder)).toBeUndefined();
  expect(flushFolder(scene.path("nowhere"))?.code).toBe("ENOENT");
});
