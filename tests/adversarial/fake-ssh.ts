/** In place of ssh: listens on the control socket that it is told of, and answers as the variable LANG of its environment says. */
import { writeSync } from "node:fs";

const socket = process.argv.find((word) => word.startsWith("ControlPath="))!.slice("ControlPath=".length);
const packet = (...words: number[]) => Buffer.concat([4 * words.length, ...words].map(word32));
const HELLO = packet(1, 4);
const OPENED = packet(0x80000006, 0, 2);

const ANSWERS: Record<string, (write: (bytes: Uint8Array) => void, end: () => void) => unknown> = {
  "is silent"() {},
  leaves: (_, end) => end(),
  "leaves in the middle": (write, end) => (write(HELLO), write(OPENED.subarray(0, 9)), end()),
  "speaks HTTP": (write) => write(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")),
  "is of another version": (write) => write(packet(1, 5)),
  "announces a gigabyte": (write) => write(packet(1).fill(0x40, 0, 4)),
  "has a reason longer than its packet": (write) => (write(HELLO), write(packet(0x80000003, 0, 99))),
  "answers something else": (write) => (write(HELLO), write(packet(0x80000005, 0, 1))),
  "does not permit": (write) => (write(HELLO), write(packet(0x80000002, 0, 0))),
  "gives no reason": (write) => (write(HELLO), write(packet(0x80000003, 0, 0))),
  dies: () => process.exit(1),
  async "byte by byte"(write) {
    for (const byte of [...HELLO, ...OPENED]) {
      write(Uint8Array.of(byte));
      await Bun.sleep(1);
    }
  },
};
const answer = ANSWERS[process.env["LANG"]!]!;

Bun.listen({
  unix: socket,
  socket: {
    open(conn) {
      writeSync(2, "channel 2: open failed: administratively \u001b[31mconfused: no\n".repeat(3));
      void answer(
        (bytes) => void conn.write(bytes),
        () => void conn.end(),
      );
    },
    data() {},
  },
});
writeSync(2, "debug1: Entering interactive session.\n");

function word32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
