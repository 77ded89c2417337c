/** Last words that reach a peer which is still sending. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { endWith } from "../../../../lib/net/linger.ts";
import { connect, KINDS, readAll, until } from "./support.ts";

setDefaultTimeout(30_000);

describe.each(KINDS)("%s", (kind) => {
  test("last words reach a peer that is still sending", async () => {
    const { conn, peer } = await connect(kind);
    peer.write(Buffer.alloc(4 * 1024 * 1024));
    let gone = 0;
    endWith(conn, Buffer.from("no"), () => void gone++);
    expect((await readAll(peer)).toString()).toBe("no");
    peer.end();
    await until(() => gone > 0);
    await Bun.sleep(10);
    expect(gone).toBe(1);
  });

  test("without last words, the peer sees an orderly end", async () => {
    const { conn, peer } = await connect(kind);
    let gone = 0;
    endWith(conn, undefined, () => void gone++);
    expect(await readAll(peer)).toHaveLength(0);
    peer.end();
    await until(() => gone > 0);
  });

  test("a peer that never ends is cut in the end", async () => {
    const { conn, peer } = await connect(kind);
    let gone = 0;
    endWith(conn, Buffer.from("no"), () => void gone++);
    await until(() => gone > 0);
    peer.destroy();
  });

  test("a connection that is gone already is told at once", async () => {
    const { conn, peer } = await connect(kind);
    peer.resetAndDestroy();
    await until(() => conn.closed);
    let gone = 0;
    endWith(conn, Buffer.from("no"), () => void gone++);
    expect(gone).toBe(1);
  });
});
