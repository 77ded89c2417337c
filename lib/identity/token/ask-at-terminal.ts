/** Asks a person at the terminal for a secret, which is not shown. Blocks until there is an answer. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, writeSync } from "node:fs";

const [INTERRUPT, END, BACKSPACE, NEWLINE, RETURN, DELETE] = [0x03, 0x04, 0x08, 0x0a, 0x0d, 0x7f];
const LONGEST = 1024;

/** What was typed; undefined where there is no terminal, or somebody would not (^C, ^D). */
export function askAtTerminal(question: string): string | undefined {
  let fd: number;
  try {
    fd = openSync("/dev/tty", "r+");
  } catch {
    return undefined;
  }
  const stty = (...args: string[]) => spawnSync("stty", args, { stdio: [fd, "pipe", "ignore"] });
  const before = stty("--save").stdout?.toString().trim();
  try {
    // Without signals, which would end the program and leave the terminal as it is here.
    if (!before || stty("-echo", "-icanon", "-isig", "min", "1", "time", "0").status !== 0) return undefined;
    writeSync(fd, question);
    return readLine(fd);
  } finally {
    if (before) stty(before);
    writeSync(fd, "\n");
    closeSync(fd);
  }
}

function readLine(fd: number): string | undefined {
  const line: number[] = [];
  const one = new Uint8Array(1);
  while (line.length < LONGEST && readSync(fd, one) === 1) {
    const [byte] = one as unknown as [number];
    if (byte === INTERRUPT || byte === END) return undefined;
    if (byte === NEWLINE || byte === RETURN) break;
    if (byte === BACKSPACE || byte === DELETE) line.pop();
    else line.push(byte);
  }
  return Buffer.from(line).toString("utf8");
}
