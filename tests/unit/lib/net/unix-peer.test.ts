/** Who connects to a UNIX socket, as the system says it: another process, and another user where the tests may become one. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import type { Conn } from "../../../../lib/net/conn.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openListener } from "../../../../lib/net/listen.ts";
import { unixCaller, unixPeer } from "../../../../lib/net/unix-peer.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { start } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { FakeConn } from "./fake-conn.ts";
import { connect, Notes, until } from "./support.ts";

const scene = new Scene();
afterAll(() => scene.close());

const NEEDS = missing(["socat", "setpriv"]);
if (NEEDS.length > 0) leaveOut("who connects to a UNIX socket", NEEDS);
else {
  const root = process.getuid!() === 0;

  test(`a client of ${root ? "another" : "the same"} user`, async () => {
    chmodSync(scene.folder, 0o755);
    const path = scene.path("socket");
    const accepted = Promise.withResolvers<Conn>();
    const listener = await openListener(
      { kind: "unix", path },
      {},
      { keepAlive: new KeepAlive(0), accept: accepted.resolve },
    );
    chmodSync(path, 0o777);
    scene.defer(() => listener.close());
    const user = root ? ["setpriv", "--reuid=12345", "--regid=23456", "--groups=34567,45678"] : [];
    const client = start(scene, [...user, "socat", "-u", "EXEC:'sleep 60'", `UNIX-CONNECT:${path}`]);
    const conn = await accepted.promise;
    const [uid, gid] = root ? [12345, 23456] : [process.getuid!(), process.getgid!()];
    expect(unixPeer(conn)).toEqual({ pid: client.pid, uid, gid });
    const groups = root ? [23456, 34567, 45678] : [gid, ...process.getgroups!()];
    expect(unixCaller(conn)).toEqual({ pid: client.pid, uid, gid, groups });
    const notes = new Notes();
    conn.attach(notes);
    conn.destroy();
    await until(() => notes.closes === 1);
    expect(unixPeer(conn)).toBeUndefined();
    expect(unixCaller(conn)).toBeUndefined();
  });
}

test("no other connection has one", async () => {
  for (const kind of ["native", "node"] as const) {
    const { conn, peer } = await connect(kind);
    expect(unixPeer(conn)).toBeUndefined();
    conn.destroy();
    peer.destroy();
  }
  expect(unixPeer(new FakeConn())).toBeUndefined();
  expect(unixCaller(new FakeConn())).toBeUndefined();
});
