/** What the storage proxy costs beside no proxy: processor time of client, proxy and storage for a gibibyte each way. Not a test. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { Dav } from "../support/dav.ts";
import { FORMS, Portail } from "../support/portail.ts";
import { Scene } from "../support/scene.ts";
import { StorageProxy } from "../support/storage-proxy.ts";
import type { Report } from "./run.ts";
import { machine, watchOthers } from "./support/machine.ts";
import { parseOptions } from "./support/options.ts";
import { cpuSecondsOf } from "./support/proc.ts";
import { rotate, spread } from "./support/stats.ts";
import { figure, table } from "./support/table.ts";

const MIB = 2 ** 20;
/** How a client reaches the storage. */
const WAYS = ["no proxy", "ds2", "v3"] as const;
const TRIPS = ["upload", "download"] as const;

type Way = (typeof WAYS)[number];
type Trip = (typeof TRIPS)[number];

interface Measured {
  /** Of the processor, for all of the bytes. */
  seconds: number;
  /** From the client's start to its end. */
  wall: number;
}

/** `npm run bench -- s3crypt-proxy [--rounds N] [--quick]`. */
export default async function s3cryptProxy(argv: string[]): Promise<Report> {
  const { rounds, quick } = parseOptions(argv, "");
  const bytes = (quick ? 256 : 1024) * MIB;
  const others = watchOthers();
  const scene = new Scene();
  const folder = mkdtempSync("/dev/shm/portail-bench-");
  scene.defer(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const plain = join(folder, "plain");
    fill(plain, bytes);
    const measure = await open(scene, plain);
    const found = new Map<string, Measured[]>();
    for (let round = 0; round < rounds; round++)
      for (const way of rotate(WAYS, round))
        for (const trip of TRIPS) {
          const key = `${trip} ${way}`;
          found.set(key, [...(found.get(key) ?? []), await measure(way, trip)]);
        }
    const text = introduction(argv, rounds, bytes, others());
    return {
      markdown: [`## s3crypt-proxy`, text, report(found, bytes)].join("\n\n"),
      keep: !quick && rounds >= 5,
      passed: true,
    };
  } finally {
    await scene.close();
  }
}

/** One transfer at a time, between curl, a proxy of each format, and nginx. */
async function open(scene: Scene, plain: string): Promise<(way: Way, trip: Trip) => Promise<Measured>> {
  const dav = await Dav.open(scene);
  const portail = new Portail(
    FORMS.find(({ name }) => name === "binary")!,
    scene,
  );
  const proxies = new Map<Way, StorageProxy>();
  for (const format of ["ds2", "v3"] as const) {
    const options = { upstream: `http://127.0.0.1:${dav.port}/`, args: ["--write-format", format] };
    proxies.set(format, await StorageProxy.open(scene, portail, options));
  }
  return async (way, trip) => {
    const name = way.replaceAll(" ", "-");
    const proxy = proxies.get(way);
    const url = proxy?.url(`/upstream/${name}`) ?? `http://127.0.0.1:${dav.port}/${name}`;
    const daemons = [dav.pid, ...(proxy === undefined ? [] : [proxy.program.pid])];
    const before = cpuSecondsOf(...daemons);
    const started = performance.now();
    const words = trip === "upload" ? ["-T", plain, "-H", "Expect:"] : ["-o", "/dev/null"];
    const curl = Bun.spawn(["curl", "--silent", "--show-error", "--fail", ...words, url], { stdout: "ignore" });
    if ((await curl.exited) !== 0) throw new Error(`curl ended with ${curl.exitCode}`);
    const wall = (performance.now() - started) / 1000;
    const { user, system } = curl.resourceUsage()!.cpuTime;
    return { seconds: cpuSecondsOf(...daemons) - before + Number(user + system) / 1e6, wall };
  };
}

function report(found: ReadonlyMap<string, Measured[]>, bytes: number): string {
  const gib = bytes / 2 ** 30;
  const rows = TRIPS.flatMap((trip) =>
    WAYS.map((way) => {
      const series = found.get(`${trip} ${way}`)!;
      const direct = found.get(`${trip} no proxy`)!;
      const median = (values: number[]) => spread(values)!.median;
      const overhead = median(series.map(({ seconds }, i) => seconds / direct[i]!.seconds));
      return [
        `${trip}, ${way}`,
        figure(median(series.map(({ seconds }) => seconds / gib))),
        figure(median(series.map(({ wall }) => bytes / wall / 1e6))),
        way === "no proxy" ? "" : figure(overhead),
        way === "no proxy" ? "" : overhead <= 1.5 ? "reached" : "1.5 short",
      ];
    }),
  );
  return table(["", "processor (s/GiB)", "MB/s", "overhead", "goal"], rows);
}

function introduction(argv: readonly string[], rounds: number, bytes: number, others: number): string {
  return [
    `\`npm run bench -- s3crypt-proxy${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `${bytes / MIB} MiB from a file in memory by curl to nginx (WebDAV), and back to /dev/null: straight, and through`,
    `\`portail s3crypt serve\` (compiled). Medians of ${rounds} rounds in rotating order, nothing pinned. Processor time is that of`,
    "client, proxy and storage together; the overhead is its ratio to that without a proxy, round by round. The goal is 1.5.",
    `Other programs took ${Math.round(others * 100)} % of the machine's processor time during the run.`,
  ].join("\n");
}

/** Random bytes, again and again. */
function fill(path: string, bytes: number): void {
  const fd = openSync(path, "w");
  const piece = randomFillSync(new Uint8Array(MIB));
  for (let at = 0; at < bytes; at += MIB) writeSync(fd, piece);
  ftruncateSync(fd, bytes);
  closeSync(fd);
}
