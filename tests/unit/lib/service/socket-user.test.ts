/** Whose a TCP connection is, asked of the system about connections of this very process and of another. */
import { afterAll, expect, test } from "bun:test";
import { processOf, socketOwner } from "../../../../lib/service/socket-user.ts";
import { decodeOwner, encodeOwnerRequest } from "../../../../lib/wire/sock-diag.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";
import { start } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

/** A listener that tells the other end of what it accepts. */
function listen(hostname: string) {
  const { promise, resolve } = Promise.withResolvers<{ ip: string; port: number }>();
  const server = Bun.listen({
    hostname,
    port: 0,
    socket: { open: (socket) => resolve({ ip: socket.remoteAddress, port: socket.remotePort }), data() {} },
  });
  scene.defer(() => server.stop(true));
  return { to: { ip: hostname, port: server.port }, accepted: promise };
}

test.each(["127.0.0.1", "127.77.3.4", "::1"])("a connection of this process to %s", async (hostname) => {
  const { to, accepted } = listen(hostname);
  const socket = await Bun.connect({ hostname, port: to.port, socket: { data() {} } });
  scene.defer(() => socket.terminate());
  const owner = socketOwner(await accepted, to)!;
  expect(owner).toEqual({ uid: process.getuid!(), inode: expect.any(Number) });
  expect(processOf(owner)).toMatchObject({ pid: process.pid, gid: process.getgid!(), executable: process.execPath });
  expect(processOf({ ...owner, inode: 1 })).toBeUndefined();
});

test("a connection of another process, whose program and groups are found", async () => {
  const { to, accepted } = listen("127.0.0.1");
  const other = start(scene, ["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${to.port}; read -r line <&3`]);
  const found = processOf(socketOwner(await accepted, to)!);
  expect(found).toMatchObject({ pid: other.pid, executable: expect.stringMatching(/\/bash$/) });
  expect(found?.groups).toContain(process.getgid!());
});

test("what is no connection is nobody's: a listener, and ports where nobody is", () => {
  const { to } = listen("127.0.0.1");
  expect(socketOwner(to, { ip: "127.0.0.1", port: 1 })).toBeUndefined();
  expect(socketOwner({ ip: "127.0.0.1", port: 1 }, to)).toBeUndefined();
});

test("a socket that nobody holds any more is nobody's, though the system says root's", () => {
  const end = { ip: parseIp("127.0.0.1")!, port: 5432 };
  const request = encodeOwnerRequest(end, end);
  expect(request).toHaveLength(72);
  const answer = new Uint8Array(88);
  const view = new DataView(answer.buffer);
  view.setUint16(4, 20, true);
  view.setUint16(20, 5432);
  answer[17] = 4;
  expect(decodeOwner(answer, end)).toBeUndefined();
  view.setUint32(84, 7, true);
  expect(decodeOwner(answer, end)).toEqual({ uid: 0, inode: 7 });
  answer[17] = 10;
  expect(decodeOwner(answer, end)).toBeUndefined();
  expect(decodeOwner(answer.subarray(0, 87), end)).toBeUndefined();
});
