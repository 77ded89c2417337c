/** Runs the load generators of ../load on their core and reads their JSON. It decides no plan. */
import { join } from "node:path";
import { LOAD_CORE, pinned, refuseWhenClosing, track, type Running } from "./process.ts";

export type LoadName = "bulk" | "upload" | "rate" | "latency" | "hold" | "silent" | "target" | "tap" | "datagrams";

/** Runs a generator to its end and returns its answer. Throws when it says nothing within `limitMs`. */
export async function runLoad<Result>(name: LoadName, plan: object, limitMs: number): Promise<Result> {
  const load = await startLoad<Result>(name, plan, limitMs);
  await load.stop();
  return load.answer;
}

export interface Load<Result> extends Running {
  /** What it said first. */
  answer: Result;
  /** Ends its standard input, which is its sign to finish, and returns the last thing it says. */
  finish(): Promise<Result>;
}

/** Starts a generator and waits for its first answer; it may go on until `finish` or `stop`. */
export async function startLoad<Result>(name: LoadName, plan: object, limitMs: number): Promise<Load<Result>> {
  const script = join(import.meta.dir, "..", "load", `${name}.ts`);
  refuseWhenClosing();
  const child = Bun.spawn(pinned(LOAD_CORE, [process.execPath, script, JSON.stringify(plan)]), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { pid, stop } = track(child.pid);
  const answers = linesOf<Result>(child.stdout);
  const next = async () => {
    const timeout = Bun.sleep(limitMs).then(() => undefined);
    const answer = await Promise.race([answers.next().then((line) => line.value), timeout]);
    if (answer !== undefined) return answer;
    await stop();
    throw new Error(`the load generator ${name} did not answer within ${limitMs / 1000} s`);
  };
  return {
    pid,
    stop,
    answer: await next(),
    async finish() {
      await child.stdin.end();
      const answer = await next();
      await stop();
      return answer;
    },
  };
}

async function* linesOf<Result>(stream: ReadableStream<Uint8Array>): AsyncGenerator<Result, undefined> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of stream) {
    pending += decoder.decode(chunk, { stream: true });
    for (let end = pending.indexOf("\n"); end !== -1; end = pending.indexOf("\n")) {
      yield JSON.parse(pending.slice(0, end)) as Result;
      pending = pending.slice(end + 1);
    }
  }
  return undefined;
}
