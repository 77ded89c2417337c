/** One program from its start to its end on given cores: the time on the clock, and that of the processor as wait4(2) has it. Judges nothing. */
import { closeSync, openSync } from "node:fs";
import { refuseWhenClosing, track } from "../support/process.ts";

/** What is run: standard input is a file, standard output a file or `/dev/null`. */
export interface Run {
  argv: readonly string[];
  input: string;
  /** `/dev/null` where it is missing. */
  output?: string;
  env?: Record<string, string>;
}

export interface Timed {
  seconds: number;
  cpuSeconds: number;
}

/** `cores` as taskset(1) takes them; it execs, so that all figures are the program's own. Throws where it does not end well. */
export async function runOnce(cores: string, { argv, input, output = "/dev/null", env }: Run): Promise<Timed> {
  refuseWhenClosing();
  const stdin = openSync(input, "r");
  const stdout = openSync(output, "w");
  const started = performance.now();
  const child = Bun.spawn(["taskset", "-c", cores, ...argv], {
    stdin,
    stdout,
    stderr: "pipe",
    env: { ...process.env, ...env },
  });
  const running = track(child.pid);
  closeSync(stdin);
  closeSync(stdout);
  await child.exited;
  const seconds = (performance.now() - started) / 1000;
  await running.stop();
  if (child.exitCode !== 0) {
    const words = (await new Response(child.stderr).text()).trim().slice(-300);
    throw new Error(`${argv[0]} ended with ${child.exitCode ?? child.signalCode}: ${words || "it said nothing"}`);
  }
  return { seconds, cpuSeconds: Number(child.resourceUsage()!.cpuTime.total) / 1e6 };
}
