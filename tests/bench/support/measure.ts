/** One round: contenders are started, take turns at each load, and are ended. It reads no figure itself. */
import { join } from "node:path";
import type { Contender, Daemon, Link } from "./contender.ts";
import { LOADS, type Effort, type Measurement, type Started } from "./modes.ts";
import { freePort } from "../../support/free-port.ts";
import { startDaemon, type Running } from "./process.ts";
import type { Mode } from "./rows.ts";
import { rotate } from "./stats.ts";

export interface Bench {
  dir: string;
  targetPort: number;
  effort: Effort;
}

/** A contender, what it is to be measured in, and where. */
export interface Entrant {
  contender: Contender;
  modes: ReadonlySet<Mode>;
  bench: Bench;
}

/**
 * Modes of a line share one start, in this order. Those that are `together` run at the same time and take turns mode by
 * mode, so that what is compared is measured within seconds; one that waits takes no processor time worth mentioning.
 * Memory needs an untouched process, whose pages no other shares. Resumption is another configuration.
 */
const STARTS: { together: boolean; resume: boolean; modes: Mode[] }[] = [
  { together: false, resume: false, modes: ["memory"] },
  { together: true, resume: false, modes: ["latency", "bulk", "upload", "rate", "datagrams"] },
  { together: true, resume: true, modes: ["resumed"] },
];

/** What can be said of a connection without a proxy. */
const DIRECT: ReadonlySet<Mode> = new Set<Mode>(["bulk", "upload", "rate", "datagrams"]);

/** Measures each entrant once. Trouble with a mode is a `problem` of its measurement, so that the others go on. */
export async function measureRound(
  entrants: readonly Entrant[],
  say: (text: string) => void,
): Promise<Map<Contender, Measurement>> {
  const results = new Map<Contender, Measurement>(
    entrants.map(({ contender }) => [contender, { values: {}, attempts: {}, problems: [] }]),
  );
  for (const { together, resume, modes } of STARTS) {
    const wanted = entrants.filter((entrant) => modes.some((mode) => isWanted(entrant, mode)));
    for (const batch of together ? [wanted] : wanted.map((entrant) => [entrant])) {
      await measureBatch(batch, modes, resume, results, say);
    }
  }
  return results;
}

function isWanted({ contender, modes }: Entrant, mode: Mode): boolean {
  return modes.has(mode) && (contender.setup !== undefined || DIRECT.has(mode));
}

async function measureBatch(
  batch: readonly Entrant[],
  modes: readonly Mode[],
  resume: boolean,
  results: ReadonlyMap<Contender, Measurement>,
  say: (text: string) => void,
): Promise<void> {
  const attempt = async ({ contender }: Entrant, name: string, body: (into: Measurement) => Promise<void>) => {
    const into = results.get(contender)!;
    try {
      await body(into);
    } catch (error) {
      into.problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const running: { entrant: Entrant; started: StartedDaemons }[] = [];
  try {
    for (const entrant of batch) {
      await attempt(entrant, "start", async () => {
        running.push({ entrant, started: await startDaemons(entrant.contender, entrant.bench, { resume }) });
      });
    }
    for (const [turn, mode] of modes.entries()) {
      for (const { entrant, started } of rotate(running, turn)) {
        if (!isWanted(entrant, mode)) continue;
        say(`${mode}: ${entrant.contender.family} ${entrant.contender.name}`);
        await attempt(entrant, mode, (into) => LOADS[mode](started, entrant.bench.effort, into));
      }
    }
  } finally {
    await Promise.all(running.map(({ started }) => started.stop()));
  }
}

/** Runs `body` against a freshly started contender, and ends it whatever happens. */
export async function withDaemons<T>(
  contender: Contender,
  bench: Bench,
  link: Partial<Link>,
  body: (started: Started) => Promise<T>,
): Promise<T> {
  const started = await startDaemons(contender, bench, link);
  try {
    return await body(started);
  } finally {
    await started.stop();
  }
}

interface StartedDaemons extends Started {
  stop(): Promise<void>;
}

/** `link` overrides what is chosen for it. What was started before one fails is ended. */
async function startDaemons(
  contender: Contender,
  { dir, targetPort }: Bench,
  link: Partial<Link>,
): Promise<StartedDaemons> {
  const { via, setup, name, tls, hellos, at } = contender;
  if (setup === undefined) {
    return { route: { via, port: targetPort, targetPort }, pids: [], stop: () => Promise.resolve() };
  }
  const port = freePort();
  const listen = link.listen ?? freePort();
  const { daemons, files } = setup({
    port,
    targetPort,
    link: { listen, dial: link.dial ?? listen, resume: link.resume ?? false },
    dir,
  });
  for (const [file, text] of Object.entries(files)) await Bun.write(join(dir, file), text);
  const running: Running[] = [];
  const stop = async () => {
    for (const process of running.toReversed()) await process.stop();
  };
  try {
    for (const [index, daemon] of daemons.entries()) {
      running.push(await start(daemon, join(dir, `${contender.family}-${name}-${index}.log`), dir));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const to = at === undefined ? { port } : { port: targetPort, host: at };
  return { route: { via, ...to, targetPort, tls, hellos }, pids: running.map(({ pid }) => pid), stop };
}

function start(daemon: Daemon, log: string, dir: string): Promise<Running> {
  return startDaemon({ ...daemon, log, env: { TMPDIR: dir } });
}
