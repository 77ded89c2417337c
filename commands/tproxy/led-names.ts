/** The stub resolver of a transparent proxy: names that rules take get addresses that stand for them. Chooses no rule. */
import type { Runtime } from "../../lib/command/runtime.ts";
import type { SocketAddress } from "../../lib/net/conn.ts";
import { Dialer } from "../../lib/net/dial.ts";
import type { Endpoint } from "../../lib/net/endpoint.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { Registry } from "../../lib/service/metrics.ts";
import type { NameSettings } from "./dns-settings.ts";
import { StubCounts } from "./names/counts.ts";
import { AddressPool, type FixedName } from "./names/fake-addresses.ts";
import { FORGETFUL, openNameRecords } from "./names/name-records.ts";
import { openStub, type Stub } from "./names/stub.ts";

export interface LedSettings extends NameSettings {
  listen: readonly Endpoint[];
}

export class LedNames {
  readonly pool: AddressPool;
  readonly #settings: LedSettings;
  readonly #counts = new StubCounts();
  #stub: Stub | undefined;

  /** Opens the file of names. Throws `PortailError`. */
  constructor(settings: LedSettings, fixed: readonly FixedName[], { log }: Runtime) {
    const { state, ranges, rest } = settings;
    if (state === undefined) log.warn("without --dns-state a restart may give addresses to other names");
    const records = state === undefined ? FORGETFUL : openNameRecords(state, ranges, log);
    this.#settings = settings;
    this.pool = new AddressPool({ ranges, fixed, records, rest });
  }

  get addresses(): readonly SocketAddress[] {
    return this.#stub?.addresses ?? [];
  }

  /** Answers from now on; `mark` is that of our own connections. Throws `PortailError` (`listen.*`, `tproxy.dns_*`). */
  async open({ env, log }: Runtime, keepAlive: KeepAlive, mark: number | undefined): Promise<void> {
    const dialer = new Dialer(this.#settings.timeout, keepAlive, mark);
    this.#stub = await openStub({
      ...this.#settings,
      fake: this.pool,
      tools: { dial: (candidate) => dialer.open([candidate]) },
      counts: this.#counts,
      audit: undefined,
      keepAlive,
      env,
      log,
    });
  }

  register(registry: Registry): void {
    this.#counts.register(registry, this.pool);
  }

  /** Takes nothing more; resolves when those that wait have been answered. */
  async drain(): Promise<void> {
    await this.#stub?.drain();
    this.#stub?.close();
  }

  /** Writes what is left to be written. */
  close(): void {
    this.#stub?.close();
    this.pool.close();
  }
}
