/** The far end: echoes what it gets, or, when the first byte of a connection is `F`, floods it with a known pattern. No load generator. */
import type { Socket } from "bun";
import { TARGETS } from "./addresses.ts";
import { answer } from "./plan.ts";
import { FLOOD, patternFrom } from "./pattern.ts";

interface State {
  mode: "new" | "echo" | "flood";
  /** Bytes of the pattern sent. */
  sent: number;
  /** Echo that the kernel did not take yet. */
  pending: Uint8Array;
}

let port = 0;
for (const hostname of TARGETS) port = listen(hostname, port);
answer({ port });

function listen(hostname: string, port: number): number {
  return Bun.listen<State>({
    hostname,
    port,
    socket: {
      open(socket) {
        socket.data = { mode: "new", sent: 0, pending: new Uint8Array(0) };
      },
      data(socket, bytes) {
        const state = socket.data;
        if (state.mode === "new") state.mode = bytes[0] === FLOOD ? "flood" : "echo";
        if (state.mode === "flood") flood(socket);
        else echo(socket, bytes);
      },
      drain(socket) {
        if (socket.data.mode === "flood") flood(socket);
        else echo(socket, new Uint8Array(0));
      },
      error(socket) {
        socket.terminate();
      },
    },
  }).port;
}

/** One write per turn of the event loop, so that a fast reader does not starve the other connections. */
function flood(socket: Socket<State>): void {
  const bytes = patternFrom(socket.data.sent);
  const written = socket.write(bytes);
  if (written < 0) return;
  socket.data.sent += written;
  if (written === bytes.length) setImmediate(flood, socket);
}

function echo(socket: Socket<State>, bytes: Uint8Array): void {
  const state = socket.data;
  const all = state.pending.length === 0 ? bytes : Buffer.concat([state.pending, bytes]);
  const written = Math.max(0, socket.write(all));
  state.pending = written === all.length ? new Uint8Array(0) : Uint8Array.from(all.subarray(written));
}
