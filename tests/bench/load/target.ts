/** The far end: echoes what it gets, or, by the first byte of a connection, floods it, swallows a flood, or says how much it swallowed. No load generator. */
import type { Socket } from "bun";
import { TARGETS } from "./addresses.ts";
import { discard } from "./discard.ts";
import { flood, type Flood } from "./flood.ts";
import { FLOOD, fits, HANDSHAKE, HELLO_ANSWER, HELLO_LEAST, SINK, TALLY, type Tally } from "./pattern.ts";
import { answer, readPlan, type TargetPlan, type TargetResult } from "./plan.ts";

type Mode = "echo" | "flood" | "sink" | "tally";

interface State extends Flood {
  /** Undefined until the first byte. */
  mode: Mode | undefined;
  /** Bytes of the pattern swallowed. */
  received: number;
  /** Bytes of a ClientHello that are still to come. */
  hello: number;
  spoilt: boolean;
  /** Echo that the kernel did not take yet. */
  pending: Uint8Array;
}

const MODES = new Map<number | undefined, Mode>([
  [FLOOD, "flood"],
  [SINK, "sink"],
  [TALLY, "tally"],
]);

const NOTHING = new Uint8Array(0);
const tally: Tally = { bytes: 0, connections: 0, spoilt: 0 };

const { ports } = readPlan<TargetPlan>();
answer({ ports: Array.from({ length: ports }, listenEverywhere) } satisfies TargetResult);

/** At one port of all addresses. */
function listenEverywhere(): number {
  let port = 0;
  for (const hostname of TARGETS) port = listen(hostname, port);
  return port;
}

function listen(hostname: string, port: number): number {
  return Bun.listen<State>({
    hostname,
    port,
    socket: {
      open(socket) {
        socket.data = { mode: undefined, sent: 0, received: 0, hello: 0, spoilt: false, pending: NOTHING };
      },
      data(socket, bytes) {
        const { mode } = socket.data;
        if (mode === undefined) begin(socket, bytes);
        else if (mode === "sink") swallow(socket, bytes);
        else if (mode === "tally") tell(socket);
        else if (mode === "echo") echo(socket, bytes);
      },
      drain(socket) {
        if (socket.data.mode === "flood") flood(socket, socket.data);
        else if (socket.data.mode === "echo") echo(socket, NOTHING);
      },
      error(socket) {
        socket.terminate();
      },
    },
  }).port;
}

/** Answers a hello once it is whole. */
function begin(socket: Socket<State>, bytes: Uint8Array): void {
  const { data } = socket;
  if (data.hello === 0 && bytes[0] === HANDSHAKE && bytes.length >= HELLO_LEAST)
    data.hello = 5 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(3);
  if (data.hello === 0) return start(socket, bytes);
  data.hello -= bytes.length;
  if (data.hello === 0) socket.write(Uint8Array.of(HELLO_ANSWER));
}

function start(socket: Socket<State>, bytes: Uint8Array): void {
  const mode = MODES.get(bytes[0]) ?? "echo";
  socket.data.mode = mode;
  if (mode === "echo") echo(socket, bytes);
  else if (mode === "flood") flood(socket, socket.data);
  else if (mode === "tally") tell(socket);
  else {
    tally.connections++;
    if (bytes.length > 1) swallow(socket, bytes.subarray(1));
  }
}

/** What is thrown away unseen shows in the place of what comes next, so nothing can be lost unseen. */
function swallow(socket: Socket<State>, bytes: Uint8Array): void {
  const state = socket.data;
  if (!state.spoilt && !fits(state.received, bytes)) {
    state.spoilt = true;
    tally.spoilt++;
  }
  const gone = bytes.length + discard((socket as unknown as { fd: number }).fd);
  state.received += gone;
  tally.bytes += gone;
}

function tell(socket: Socket<State>): void {
  socket.write(`${JSON.stringify(tally)}\n`);
}

function echo(socket: Socket<State>, bytes: Uint8Array): void {
  const state = socket.data;
  const all = state.pending.length === 0 ? bytes : Buffer.concat([state.pending, bytes]);
  const written = Math.max(0, socket.write(all));
  state.pending = written === all.length ? NOTHING : Uint8Array.from(all.subarray(written));
}
