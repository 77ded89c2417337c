/** Waiting until somebody listens on a port of 127.0.0.1, and programs that are started there. Asserts nothing. */
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export async function listening(port: number, who = `a listener on port ${port}`): Promise<void> {
  await until(who, () =>
    Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
      (socket) => (socket.terminate(), true),
      () => false,
    ),
  );
}

/** Resolves once it listens at `port`. */
export async function startListening(scene: Scene, port: number, argv: string[]): Promise<Program> {
  const program = start(scene, argv);
  // Some fork; told to stop, they take their children with them.
  scene.defer(async () => {
    program.signal("SIGTERM");
    await program.ended;
  });
  await listening(port);
  return program;
}
