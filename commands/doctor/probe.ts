/** Begins a program of the system to see what it answers. Whatever the program does, the answer comes in bounded time. */

/** Milliseconds for a program to answer. */
const PATIENCE = 5000;
/** More for what it has begun itself, which may still hold its output. */
const AFTER = 500;

export interface Answer {
  /** -1 where there was no answer in time, or the program could not be begun. */
  readonly status: number;
  readonly stdout: string;
  /** For -1, what is wrong. */
  readonly stderr: string;
}

/** Runs `command`, whose first word is an absolute path, without an environment. `patience` in milliseconds. Never rejects. */
export async function probe(command: readonly string[], stdin = "", patience = PATIENCE): Promise<Answer> {
  const late = Promise.withResolvers<Answer>();
  const silence = { status: -1, stdout: "", stderr: `no answer within ${patience / 1000} s` };
  const timer = setTimeout(() => late.resolve(silence), patience + AFTER);
  try {
    return await Promise.race([answerOf(command, stdin, patience, silence), late.promise]);
  } catch (error) {
    return { status: -1, stdout: "", stderr: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(command: readonly string[], stdin: string, timeout: number, silence: Answer): Promise<Answer> {
  const child = Bun.spawn([...command], {
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: { LC_ALL: "C" },
    timeout,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const status = await child.exited;
  return child.signalCode === "SIGKILL" ? silence : { status, stdout, stderr: stderr.trim() };
}
