/** Which folders of sockets count as left behind. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { makeSocketFolder, removeLeftFolders } from "../../../../lib/service/socket-folder.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

const HOUR = 3_600_000;

const old = (folder: string): string => {
  const then = (Date.now() - HOUR) / 1000;
  utimesSync(folder, then, then);
  return folder;
};
const listenIn = async (folder: string): Promise<Server> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
  scene.defer(() => void server.close());
  return server;
};
const stays = async (folder: string) => {
  await removeLeftFolders(scene.folder, Date.now());
  return existsSync(folder);
};

test("one that holds nothing, once it is old", async () => {
  const folder = makeSocketFolder(scene.folder);
  expect(await stays(folder)).toBe(true);
  expect(await stays(old(folder))).toBe(false);
});

test("not one in which somebody listens", async () => {
  const folder = makeSocketFolder(scene.folder);
  const server = await listenIn(folder);
  let troubled = 0;
  server.on("connection", () => troubled++);
  expect(await stays(old(folder))).toBe(true);
  expect(troubled).toBe(0);
});

test("one in which nobody listens any more", async () => {
  const folder = makeSocketFolder(scene.folder);
  const path = join(folder, "socket");
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await Bun.spawn([process.execPath, "-e", program]).exited;
  expect(existsSync(path)).toBe(true);
  expect(await stays(old(folder))).toBe(false);
});

test("not what is another's, or holds something else", async () => {
  const open = makeSocketFolder(scene.folder);
  chmodSync(open, 0o755);
  const file = makeSocketFolder(scene.folder);
  writeFileSync(join(file, "socket"), "");
  const named = scene.path("portail-other");
  mkdirSync(named, { mode: 0o700 });
  for (const folder of [open, file, named]) expect(await stays(old(folder))).toBe(true);
});

test("not in a folder that is not there", async () => {
  expect(await removeLeftFolders(scene.path("nowhere"), Date.now())).toBeUndefined();
});
