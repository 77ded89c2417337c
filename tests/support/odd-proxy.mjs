/** A server that answers CONNECT in the oddest ways that are allowed, or not: `odd-proxy.mjs ADDRESS PORT MODE`. What it leads to is itself: it speaks first, and sends back what it gets. */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [host, port, mode] = process.argv.slice(2);
const GREETING = "one\n";
const OK = "HTTP/1.1 200 Connection established\r\nVia: odd\r\n\r\n";

const MODES = {
  /** Byte by byte, after an interim answer. */
  async split(socket) {
    for (const byte of `HTTP/1.1 100 Continue\r\n\r\n${OK}`) {
      socket.write(byte);
      await sleep(1);
    }
    socket.write(GREETING);
  },
  /** With the first words of what it leads to. */
  joined: (socket) => socket.write(OK + GREETING),
  /** Longer than a sidecar waits before it asks somebody else to see to it. */
  async slow(socket) {
    await sleep(1500);
    socket.write(OK + GREETING);
  },
  garbage: (socket) => socket.write("\x00\xff".repeat(20_000)),
  leaves: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  denies: (socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
};

createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  let head = "";
  socket.on("data", function hear(bytes) {
    head += bytes.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    socket.off("data", hear).pause();
    const rest = Buffer.from(head.slice(end + 4), "latin1");
    void (async () => {
      await MODES[mode](socket);
      if (socket.writableEnded) return;
      socket.write(rest);
      socket.pipe(socket);
    })();
  });
}).listen(Number(port), host, () => console.log("ready"));
