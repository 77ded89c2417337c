/** `portail s3crypt serve` inside the test's own process, in front of a storage that is played by the test, byte by byte. Asserts nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../cli/commands.ts";
import { run } from "../../../cli/run.ts";
import type { AuditEvent } from "../../../lib/audit/event.ts";
import { auditLines } from "../../support/audit-trail.ts";
import { randomKeys, randomPassword, writeSodiumKeyring } from "../../support/sodium-keyring.ts";
import { fakeRuntime, until, type FakeRuntime } from "../harness.ts";
import { RawClient } from "../raw-client.ts";

export type ObjectLine = Extract<AuditEvent, { event: "object" }>;

export interface Gateway {
  readonly port: number;
  /** Of `--s3-listen`, where it is given. */
  readonly s3Port: number;
  readonly storage: Storage;
  readonly runtime: FakeRuntime;
  readonly keys: ReadonlyMap<bigint, Uint8Array>;
  /** The audit line about the object `name`, of which there is one request, or one of this operation. */
  line(name: string, operation?: string): Promise<ObjectLine>;
  stop(): Promise<void>;
}

/** A storage whose connections are handed to the test, in the order in which they come. */
class Storage {
  port = 0;
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => {
    this.opened++;
    const peer = RawClient.of(socket);
    if (this.taker !== undefined) this.taker(peer);
    else this.#waiting.push(peer);
    this.#wake();
  });
  readonly #waiting: RawClient[] = [];
  #wake = () => {};
  /** Connections so far. */
  opened = 0;
  /** Gets them in place of `next`. */
  taker: ((peer: RawClient) => void) | undefined;

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async next(): Promise<RawClient> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#waiting.shift()!;
  }

  close(): void {
    this.#server.close();
  }
}

/** The head of the message that comes next, as lines; the last two, which are empty, are left out. */
export async function headOf(peer: RawClient): Promise<string[]> {
  return (await peer.readThrough("\r\n\r\n")).toString("latin1").split("\r\n").slice(0, -2);
}

/** The value of a field, or undefined. */
export function field(head: readonly string[], name: string): string | undefined {
  const prefix = `${name.toLowerCase()}:`;
  return head
    .find((line) => line.toLowerCase().startsWith(prefix))
    ?.slice(prefix.length)
    .trim();
}

export async function startGateway(flags: readonly string[] = []): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), "portail-adversarial-"));
  const storage = await new Storage().open();
  const password = randomPassword();
  const keys = randomKeys([0n, 1n]);
  const keyring = join(folder, "keyring.toml");
  const auditFile = join(folder, "audit.jsonl");
  writeFileSync(keyring, writeSodiumKeyring({ password, keys }));
  const runtime = fakeRuntime({ DS_PASSWORD: password });
  const where = ["--listen", "127.0.0.1:0", "--upstream-url", `http://127.0.0.1:${storage.port}/jail/`];
  const argv = ["s3crypt", "serve", ...where, "--keyring-file", keyring, "--audit", auditFile, ...flags];
  const ended = run(root, argv, runtime);
  let over = false;
  void ended.then(() => (over = true));
  const lines = () => (Bun.file(auditFile).size > 0 ? auditLines(readFileSync(auditFile, "utf8")) : []);
  const start = await until(() => {
    if (over) throw new Error(runtime.lines.join("\n"));
    return lines().find((line) => line.event === "start");
  }, "the start");
  const ports = (start as { listen: string[] }).listen.map((address) => Number(address.split(":").at(-1)));
  return {
    port: ports[0]!,
    s3Port: ports[1] ?? 0,
    storage,
    runtime,
    keys: new Map(keys),
    line: (name, operation) =>
      until(
        () =>
          lines().find(
            (line): line is ObjectLine =>
              line.event === "object" &&
              line.path === `/jail/${name}` &&
              (operation === undefined || line.operation === operation),
          ),
        `a line about ${name}`,
      ),
    async stop() {
      runtime.signal("SIGTERM");
      runtime.signal("SIGTERM");
      await ended;
      storage.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Waits until `count` grows no more: fifty looks in a row find the same. */
export async function stillness(count: () => number): Promise<void> {
  let before = 0;
  let same = 0;
  await until(() => {
    const now = count();
    same = now === before && now > 0 ? same + 1 : 0;
    before = now;
    return same === 50;
  }, "it to come to a stop");
}

let names = 0;

/** The name of an object that nobody has asked for yet. */
export function newName(): string {
  return `o-${++names}`;
}
