/** Opens a tunnel through a proxy and hands it to a load generator. It keeps no statistics, and sets no socket option: the runtime turns Nagle off by itself. */
import type { Socket } from "bun";
import { SOURCES, TARGETS } from "./addresses.ts";
import { dialogs, helloDialogs, type Dialog, type Via } from "./dialog.ts";

/** The second is the runtime's first choice, and few peers have it (draft-ietf-tls-ecdhe-mlkem). */
export type KeyAgreement = "X25519" | "X25519MLKEM768";

export interface Route {
  via: Via;
  /** The proxy's port, or the target's when there is none. */
  port: number;
  /** Where connections are made to; 127.0.0.1 where it is not said. */
  host?: string | undefined;
  targetPort: number;
  /**
   * The key agreement, where the proxy is spoken to over TLS: the only one offered, in a full handshake for each
   * connection. The certificate is not looked at.
   */
  tls?: KeyAgreement | undefined;
  /**
   * What the connections begin with, in turn: ClientHellos, in base64. The target answers each with a byte, as a server
   * does with its own hello; what follows is not encrypted, which none that passes it on can see.
   */
  hellos?: readonly string[] | undefined;
}

/** What happens to one tunnel. After `lost`, which comes at most once, nothing follows. */
export interface TunnelEvents {
  open(socket: Socket<TunnelState>): void;
  data(socket: Socket<TunnelState>, bytes: Uint8Array): void;
  /** After a write that was not taken whole. */
  drain?(socket: Socket<TunnelState>): void;
  /** Refused, reset, or closed by any side, ourselves included. */
  lost(why: string): void;
}

export interface TunnelState {
  dialog: Dialog;
  ready: boolean;
  events: TunnelEvents;
}

/** A function that opens one more tunnel over `route`. Every outcome arrives as an event; it never throws. */
export function tunnelDialer(route: Route): (events: TunnelEvents) => void {
  const newDialog =
    route.hellos === undefined ? dialogs(route.via, TARGETS, route.targetPort) : helloDialogs(route.hellos);
  const socket = {
    open(socket: Socket<TunnelState>) {
      const { dialog } = socket.data;
      if (dialog.first.length > 0) socket.write(dialog.first);
      else ready(socket, dialog.first);
    },
    data(socket: Socket<TunnelState>, bytes: Buffer) {
      if (socket.data.ready) return socket.data.events.data(socket, bytes);
      const step = socket.data.dialog.step(bytes);
      if (step.kind === "send") socket.write(step.bytes);
      else if (step.kind === "ready") ready(socket, step.rest);
      else if (step.kind === "refused") fail(socket, step.why);
    },
    drain(socket: Socket<TunnelState>) {
      if (socket.data.ready) socket.data.events.drain?.(socket);
    },
    end(socket: Socket<TunnelState>) {
      socket.end();
    },
    error(socket: Socket<TunnelState>) {
      socket.terminate();
    },
    close(socket: Socket<TunnelState>) {
      fail(socket, socket.data.ready ? "closed" : "closed during the handshake");
    },
  };
  let next = 0;
  return (events) => {
    const options = {
      hostname: route.host ?? "127.0.0.1",
      port: route.port,
      localAddress: SOURCES[next++ % SOURCES.length]!,
      data: { dialog: newDialog(), ready: false, events },
      socket,
      ...(route.tls && { tls: { rejectUnauthorized: false, serverName: "localhost", ecdhCurve: route.tls } }),
    };
    Bun.connect<TunnelState>(options).catch((error: unknown) =>
      events.lost(error instanceof Error ? error.message : String(error)),
    );
  };
}

function ready(socket: Socket<TunnelState>, rest: Uint8Array): void {
  const { data } = socket;
  data.ready = true;
  data.events.open(socket);
  if (rest.length > 0) data.events.data(socket, rest);
}

const SILENT: TunnelEvents = { open() {}, data() {}, lost() {} };

function fail(socket: Socket<TunnelState>, why: string): void {
  const { events } = socket.data;
  socket.data.events = SILENT;
  socket.terminate();
  events.lost(why);
}
