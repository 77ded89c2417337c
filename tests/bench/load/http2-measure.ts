/** Loads an HTTP/2 proxy as a program of its own: `bun http2-measure.ts MODE PROXY_PORT SECONDS PID…`; one JSON line of numbers. */
import { readFileSync } from "node:fs";
import { Http2Load, type Http2Tunnel, type TunnelEvents } from "./http2.ts";

type Row = Record<string, number>;

const [mode = "", port = "", seconds = "", ...pids] = process.argv.slice(2);
const ms = Number(seconds) * 1000;

/** Sends as fast as it is read. */
const source = Bun.listen<undefined>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => pour(socket),
    drain: (socket) => pour(socket),
    data() {},
    error() {},
  },
});
const BLOCK = Buffer.alloc(256 * 1024, "portail");

function pour(socket: { write(bytes: Uint8Array): number }): void {
  while (socket.write(BLOCK) === BLOCK.length);
}

const echo = Bun.listen<undefined>({
  hostname: "127.0.0.1",
  port: 0,
  socket: { data: (socket, chunk) => void socket.write(chunk), error() {} },
});

const MODES: Record<string, () => Promise<Row>> = {
  one: () => bulk(1),
  hundred: () => bulk(100),
  stalled: () => bulk(100, 1),
  rate,
  idle,
};

process.stdout.write(`${JSON.stringify(await MODES[mode]!())}\n`);
process.exit(0);

/** MiB a second over all tunnels that are read, and the processor's seconds a GiB. */
async function bulk(tunnels: number, stalled = 0): Promise<Row> {
  const load = await Http2Load.open(Number(port));
  let bytes = 0;
  const all = await Promise.all(
    Array.from({ length: tunnels }, () => open(load, source.port, (length) => (bytes += length))),
  );
  for (const tunnel of all.slice(0, stalled)) tunnel.stalled = true;
  await Bun.sleep(ms / 2);
  bytes = 0;
  const cpu = processor();
  const start = performance.now();
  await Bun.sleep(ms);
  const took = (performance.now() - start) / 1000;
  const used = processor() - cpu;
  const first = all.slice(stalled).map(({ received }) => received);
  load.close();
  const fairness = Math.min(...first) / Math.max(...first);
  return { mibs: bytes / took / 2 ** 20, cpuPerGib: (used * 2 ** 30) / bytes, fairness };
}

/** Tunnels a second, each opened, one byte echoed, ended in order; 32 at a time. */
async function rate(): Promise<Row> {
  const load = await Http2Load.open(Number(port));
  let done = 0;
  let failed = 0;
  const next = () => {
    load.connect(`127.0.0.1:${echo.port}`, {
      opened: (tunnel, status) => {
        if (status === "200") load.send(tunnel, Buffer.from("x"));
      },
      data: (tunnel) => load.send(tunnel, Buffer.alloc(0), true),
      ended: (tunnel) => {
        if (tunnel.received === 1) done++;
        else failed++;
        if (failed < 100) next();
      },
    });
  };
  for (let i = 0; i < 32; i++) next();
  await Bun.sleep(ms);
  done = failed = 0;
  const start = performance.now();
  await Bun.sleep(ms);
  return { perSecond: done / ((performance.now() - start) / 1000), failed };
}

/** KiB of resident memory that each of 100 idle tunnels costs. */
async function idle(): Promise<Row> {
  const load = await Http2Load.open(Number(port));
  await open(load, echo.port, () => {});
  const before = resident();
  await Promise.all(Array.from({ length: 99 }, () => open(load, echo.port, () => {})));
  await Bun.sleep(500);
  return { kibPerTunnel: (resident() - before) / 99 };
}

function open(load: Http2Load, to: number, got: (length: number) => void): Promise<Http2Tunnel> {
  return new Promise((resolve, reject) => {
    const events: TunnelEvents = {
      opened: (tunnel, status) => (status === "200" ? resolve(tunnel) : reject(new Error("refused"))),
      data: (_, length) => got(length),
      ended: () => reject(new Error("ended")),
    };
    load.connect(`127.0.0.1:${to}`, events);
  });
}

function resident(): number {
  const status = pids.map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"));
  return status.reduce((sum, text) => sum + Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0), 0);
}

/** Seconds of processor time so far; a tick is 10 ms. */
function processor(): number {
  const stats = pids.map((pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" "));
  return stats.reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) / 100, 0);
}
