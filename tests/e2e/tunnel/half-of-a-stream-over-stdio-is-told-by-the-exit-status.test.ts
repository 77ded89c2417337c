/** `--stdio` into a pipe, which has no reset: the exit status says whether the stream was whole. */
import type { Socket } from "node:net";
import { expect, test } from "bun:test";
import { FarEnd } from "../../support/far-end.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, ["openssl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server" }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));

  /** The command line of a client of a server before a far end that does what `serve` does. */
  async function client(serve: (socket: Socket) => void, ...more: string[]): Promise<string[]> {
    const far = await FarEnd.open(scene);
    far.serve(serve);
    const identity = ["--keystore", server.keystore, "--cacert", cacert, "--allow-all"];
    const { port } = await portail.tunnel({ side: "server", target: far.text, args: identity });
    const who = ["--keystore", alice.keystore, "--cacert", cacert];
    return ["tunnel", "client", "--stdio", "--target", `localhost:${port}`, ...who, ...more];
  }

  const half = (socket: Socket) => void socket.write("half of a dump");

  test("both sides end: 0", async () => {
    const args = await client((socket) => socket.resume().end("all of a dump"));
    expect(await portail.run(args)).toEqual({ status: 0, stdout: "all of a dump", stderr: "" });
  });

  test("the target resets the connection: 74", async () => {
    const args = await client((socket) =>
      socket.write("half of a dump", () => setTimeout(() => socket.resetAndDestroy(), 300)),
    );
    expect(await portail.run(args)).toMatchObject({ status: 74, stdout: "half of a dump" });
  });

  test.each(["--max-conn-lifetime", "--idle-timeout", "--close-timeout"])("%s cuts it: 74", async (limit) => {
    expect(await portail.run(await client(half, limit, "500ms"))).toMatchObject({
      status: 74,
      stdout: "half of a dump",
    });
  });

  test("a signal cuts it: 74", async () => {
    const program = portail.start(await client(half));
    await program.output("stdout", /half of a dump/);
    program.signal("SIGTERM");
    expect(await program.ended).toBe(74);
  });
});
