/** Who gets its turn when many have bytes: bulk one after the other, and whoever has little to say before all of it. */
import { expect, test } from "bun:test";
import { ERRNO, type SocketCalls } from "../../../../../lib/ffi/socket-calls.ts";
import { Carried, Side } from "../../../../../lib/net/carrier/carried.ts";
import { Mover } from "../../../../../lib/net/carrier/mover.ts";

const KIB = 1024;
/** Bytes read at a time. */
const PIECE = 60 * KIB;
const AGAIN = -1;

/** Sockets by numbers: what waits in each, and how much each takes. */
function world() {
  const waiting = new Map<number, number>();
  const room = new Map<number, number>();
  const sent: { fd: number; length: number }[] = [];
  /** What the system was told of sockets. */
  const told: string[] = [];
  const calls = {
    errno: () => ERRNO.EAGAIN,
    recv(fd: number, into: Uint8Array, most = into.length) {
      const got = Math.min(waiting.get(fd) ?? 0, most);
      waiting.set(fd, (waiting.get(fd) ?? 0) - got);
      return got === 0 ? AGAIN : got;
    },
    send(fd: number, _bytes: Uint8Array, length: number) {
      const taken = Math.min(room.get(fd) ?? Infinity, length);
      if (room.has(fd)) room.set(fd, room.get(fd)! - taken);
      if (taken > 0) sent.push({ fd, length: taken });
      return taken === 0 ? AGAIN : taken;
    },
    acknowledgeWithAnswers: (fd: number) => void told.push(`answers ${fd}`),
    noDelay: (fd: number) => void told.push(`no delay ${fd}`),
  };
  const watched: Side[] = [];
  const never = () => expect.unreachable();
  const mover = new Mover(calls as unknown as SocketCalls, {
    now: 0,
    ended: never,
    broken: never,
    watchForRoom: (side) => void watched.push(side),
  });
  let next = 10;
  const connection = () => {
    const one = new Carried(next, 0, next++, new Uint8Array(16), 0, 0);
    one.target = new Side(next++, one, "upstream", 0);
    one.open = true;
    return one as Carried & { target: Side };
  };
  /** What went to a connection's target since the last time. */
  const takenBy = ({ target }: Carried) => {
    let bytes = 0;
    for (const { fd, length } of sent) if (fd === target!.fd) bytes += length;
    return bytes;
  };
  return { mover, waiting, room, sent, told, watched, connection, takenBy };
}

/** Connections whose clients send without an end, and have done so for a while. */
function bulky(count: number, { connection, waiting, mover }: ReturnType<typeof world>) {
  const all = Array.from({ length: count }, connection);
  for (const { client } of all) {
    waiting.set(client.fd, Infinity);
    mover.move(client, false, true);
  }
  for (let i = 0; i < count; i++) mover.goOn();
  return all;
}

test("of those with bulk one has its turn at a time, and each as often as the others", () => {
  const all = world();
  const three = bulky(3, all);
  const before = three.map(all.takenBy);
  const turns: string[] = [];
  for (let i = 0; i < 30; i++) {
    all.sent.length = 0;
    all.mover.goOn();
    const fds = new Set(all.sent.map(({ fd }) => fd));
    expect(fds.size).toBe(1);
    expect(all.sent.reduce((sum, { length }) => sum + length, 0)).toBe(64 * PIECE);
    turns.push(String([...fds][0]));
  }
  expect(before.every((bytes) => bytes > 0)).toBe(true);
  for (const { target } of three) expect(turns.filter((fd) => fd === String(target.fd))).toHaveLength(10);
});

test("whoever has little to say is not behind anybody's bulk", () => {
  const all = world();
  bulky(3, all);
  const [little, more] = [all.connection(), all.connection()];
  for (const { client } of [little, more]) all.waiting.set(client.fd, 1);
  all.sent.length = 0;
  // Told by an event, and found by itself.
  all.mover.move(little.client, false, true);
  all.mover.later(more.client);
  expect(all.sent).toEqual([{ fd: little.target.fd, length: 1 }]);
  all.mover.goOn();
  expect(all.sent[1]).toEqual({ fd: more.target.fd, length: 1 });
});

test("who had bulk, and has little to say now, is one of them again", () => {
  const all = world();
  const [one] = bulky(1, all);
  all.waiting.set(one!.client.fd, 1);
  all.mover.goOn();
  expect(all.mover.hasMore).toBe(false);
  all.sent.length = 0;
  all.waiting.set(one!.client.fd, 1);
  all.mover.move(one!.client, false, true);
  expect(all.sent).toEqual([{ fd: one!.target.fd, length: 1 }]);
});

test("what a receiver does not take is kept, and nothing is read for it meanwhile", () => {
  const all = world();
  const [one] = bulky(1, all);
  const { client, target } = one!;
  all.room.set(target.fd, 100 * KIB);
  all.mover.goOn();
  expect(all.watched).toEqual([target]);
  expect(target.pending?.length).toBe(20 * KIB);
  const { sent } = one!;
  all.mover.move(client, false, true);
  all.mover.goOn();
  expect(one!.sent).toBe(sent);
  // Room again: what was kept goes first, and less is read at a time.
  all.sent.length = 0;
  all.room.delete(target.fd);
  all.mover.move(target, true, false);
  expect(target.pending).toBeUndefined();
  expect(all.sent.slice(0, 2).map(({ length }) => length)).toEqual([20 * KIB, PIECE]);
});

test("answers to the first words to a target are acknowledged with what follows them, which is not held back", () => {
  const { mover, waiting, told, connection } = world();
  const one = connection();
  const say = (side: Side) => {
    waiting.set(side.fd, 1);
    mover.move(side, false, true);
    return told.splice(0);
  };
  expect(say(one.client)).toEqual([`answers ${one.target.fd}`]);
  expect(say(one.target)).toEqual([]);
  expect(say(one.client)).toEqual([`no delay ${one.target.fd}`]);
  expect(say(one.client)).toEqual([]);
  // A server that spoke first, and was listened to for a while: what it says is acknowledged at once already.
  const old = connection();
  old.settled = true;
  expect(say(old.client)).toEqual([]);
  expect(say(old.client)).toEqual([`no delay ${old.target.fd}`]);
});
