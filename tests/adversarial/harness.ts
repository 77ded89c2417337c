/** An access proxy that runs inside the test's own process, told to start and stop like the real one. Asserts nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../cli/commands.ts";
import { run } from "../../cli/run.ts";
import type { AuditEvent } from "../../lib/audit/event.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { OutputStream, Runtime, Signal } from "../../lib/command/runtime.ts";

/** Waits until `look` finds something; the time only bounds a test that fails. */
export async function until<T>(look: () => T | undefined | false, what: string): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(5);
  }
}

export interface FakeRuntime extends Runtime {
  /** What was logged and printed, in order. */
  readonly lines: string[];
  signal(name: Signal): void;
}

export function fakeRuntime(env: Record<string, string> = {}): FakeRuntime {
  const lines: string[] = [];
  const listeners = new Map<Signal, Set<() => void>>();
  const note = (level: string) => (message: string, fields?: object) =>
    void lines.push(`${level} ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`);
  const log: Logger = {
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: note("error"),
    writes: () => true,
    configure() {},
  };
  const stream = (fd: number): OutputStream => ({
    fd,
    isTTY: false,
    columns: undefined,
    color: false,
    write: (chunk) => (lines.push(String(chunk)), true),
    flush: () => Promise.resolve(),
  });
  return {
    env,
    cwd: process.cwd(),
    stdin: { fd: 0, isTTY: false, async *bytes() {} },
    stdout: stream(1),
    stderr: stream(2),
    log,
    version: "0.0.0",
    lines,
    onSignal(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
    signal(name) {
      for (const listener of listeners.get(name) ?? []) listener();
    },
  };
}

type Kind = AuditEvent["event"];
type EventOf<K extends Kind, E = AuditEvent> = E extends { event: infer V } ? (K extends V ? E : never) : never;

export interface RunningProxy {
  readonly port: number;
  readonly folder: string;
  readonly runtime: FakeRuntime;
  /** What is in the audit file so far; after the end, all that was. */
  audit(): AuditEvent[];
  events<K extends Kind>(kind: K): EventOf<K>[];
  /** Waits for the first event of the kind that satisfies `matching`. */
  event<K extends Kind>(kind: K, matching?: (event: EventOf<K>) => boolean): Promise<EventOf<K>>;
  /** Replaces the policy file; takes effect with `runtime.signal("SIGHUP")`. */
  writePolicy(text: string): void;
  /** SIGTERM: waits until all that is open has ended by itself; answers the exit status. */
  drain(): Promise<number>;
  /** SIGTERM twice: cuts what is still open. */
  stop(): Promise<number>;
}

/** Starts `portail socks` on a free port of 127.0.0.1 with the policy `acl` (its text), audited into a file. */
export async function startProxy(acl: string, flags: readonly string[] = []): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), "portail-adversarial-"));
  const policy = join(folder, "policy.acl");
  const auditFile = join(folder, "audit.jsonl");
  const writePolicy = (text: string) => writeFileSync(policy, text);
  writePolicy(acl);
  const runtime = fakeRuntime();
  const argv = ["socks", "--listen", "127.0.0.1:0", "--acl", policy, "--audit", auditFile, "--shutdown-timeout", "25s"];
  const ended = run(root, [...argv, ...flags], runtime);
  const status = { value: undefined as number | undefined };
  void ended.then((value) => (status.value = value));
  const reader = auditReader(auditFile);
  const event: RunningProxy["event"] = (kind, matching = () => true) =>
    until(() => {
      if (kind !== "stop" && status.value !== undefined) throw new Error(runtime.lines.join("\n"));
      return reader().find((one): one is EventOf<typeof kind> => one.event === kind && matching(one as never));
    }, `an audit event ${kind}`);
  const stop = async (signals: number) => {
    for (let i = 0; i < signals; i++) runtime.signal("SIGTERM");
    const answer = await ended;
    reader();
    rmSync(folder, { recursive: true });
    return answer;
  };
  const { listen } = await event("start");
  return {
    port: Number(listen![0]!.split(":").at(-1)),
    folder,
    runtime,
    audit: reader,
    events: (kind) => reader().filter((one): one is EventOf<typeof kind> => one.event === kind),
    event,
    writePolicy,
    drain: () => stop(1),
    stop: () => stop(2),
  };
}

/** Reads the file once more only when it has grown. */
function auditReader(path: string): () => AuditEvent[] {
  let size = -1;
  let events: AuditEvent[] = [];
  return () => {
    const now = Bun.file(path).size;
    if (now !== size && now > 0) {
      const lines = readFileSync(path, "utf8").split("\n");
      // The last piece is empty, or a line that is still being written.
      events = lines.slice(0, -1).map((line) => JSON.parse(line) as AuditEvent);
      size = now;
    }
    return events;
  };
}
