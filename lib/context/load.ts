/** What providers need of files and of the machine, read at a start or a reload: as a whole, or not at all. Then they can be opened. */
import type { FactName } from "../acl/facts.ts";
import { EXIT, PortailError } from "../command/errors.ts";
import type { Logger } from "../command/log.ts";
import { SourceFiles, type SourceEnvironment } from "../identity/source-files.ts";
import { readTrust } from "../identity/trust.ts";
import type { Resolve } from "../net/resolve.ts";
import { findProgram } from "../service/child.ts";
import { Cache, type CacheLimits, type Source } from "./cache.ts";
import { Context, type Provider } from "./context.ts";
import { ProviderCounts, Report, type ContextCounts } from "./counts.ts";
import { InventoryFile, readInventoryFile, type ReadFile } from "./inventory-file.ts";
import { needed } from "./order.ts";
import type { ProviderPlan } from "./plan.ts";
import { ProgramSource } from "./program-source.ts";
import { WebSource, webTls } from "./web-source.ts";

/** What providers live on. */
interface ContextTools {
  readonly log: Logger;
  readonly resolve: Resolve;
  /** Those of before a reload, to which counts are added. */
  readonly counts: ContextCounts;
}

/** What inventories are in force, by provider: a reload does not read again what has not changed. */
type Inventories = Map<string, () => ReadFile>;

/** Makes a provider of what was read. */
type Opening = (tools: ContextTools, report: Report) => Provider;

/** Providers that were read, and are not in force yet. */
export class LoadedContext {
  readonly #providers: readonly (readonly [name: string, open: Opening])[];
  readonly #timeout: number;

  constructor(providers: readonly (readonly [string, Opening])[], timeout: number) {
    this.#providers = providers;
    this.#timeout = timeout;
  }

  /** Puts them in force. Programs are started when they are first asked. */
  open(tools: ContextTools): Context {
    const providers = this.#providers.map(([name, open]) => {
      const counts = tools.counts.get(name) ?? new ProviderCounts();
      tools.counts.set(name, counts);
      return open(tools, new Report(name, counts, tools.log));
    });
    return new Context(providers, this.#timeout);
  }
}

/** The providers of a configuration. */
export class ContextPlan {
  readonly #plans: readonly ProviderPlan[];
  readonly #timeout: number;
  readonly #around: SourceEnvironment;
  /** One for all loads: pipes say what they have to say once. */
  readonly #files: SourceFiles;
  readonly #inventories: Inventories = new Map();

  /** `timeout` in milliseconds is for all providers together. */
  constructor(plans: readonly ProviderPlan[], timeout: number, around: SourceEnvironment) {
    this.#plans = plans;
    this.#timeout = timeout;
    this.#around = around;
    this.#files = new SourceFiles(around);
  }

  /**
   * Reads what the providers need that a policy which mentions these facts needs; undefined where it needs none. Throws
   * `PortailError` for a file that cannot be read or does not hold what it should, and a program that is not there.
   */
  load(mentions: readonly FactName[]): LoadedContext | undefined {
    const wanted = needed(this.#plans, mentions);
    if (wanted.length === 0) return undefined;
    const opened = wanted.map((plan) => {
      const open = inProvider(plan.name, () => read(plan, this.#files, this.#around, this.#inventories));
      return [plan.name, open] as const;
    });
    for (const name of this.#inventories.keys()) {
      if (!wanted.some((plan) => plan.name === name)) this.#inventories.delete(name);
    }
    return new LoadedContext(opened, this.#timeout);
  }
}

function read(
  plan: ProviderPlan,
  files: SourceFiles,
  { cwd, env }: SourceEnvironment,
  inventories: Inventories,
): Opening {
  const { name, key, targets } = plan;
  const needing = { name, key, targets };
  if (plan.kind === "file") {
    const found = readInventoryFile(plan.inventory, inventories.get(name)?.());
    return (_tools, report) => {
      const file = new InventoryFile(plan.inventory, found, report);
      inventories.set(name, () => file.read);
      return provider(needing, file);
    };
  }
  if (plan.kind === "program") {
    const [program = "", ...args] = plan.command;
    const command = [findProgram(program, env["PATH"], cwd), ...args];
    return ({ log }, report) => {
      const options = { command, cwd, env, most: plan.most, name, log };
      return cached(needing, plan, new ProgramSource(key, targets, options, report), report);
    };
  }
  const headers = Object.fromEntries(
    plan.headers.map(({ name: header, prefix, secret }) => [header, headerValue(prefix, secret.read(files))]),
  );
  const trust = plan.web.url.tls ? readTrust(plan.trust ?? { cacert: [], crl: [] }, files) : undefined;
  const tls = trust && webTls(trust);
  return ({ resolve }, report) => {
    for (const warning of trust?.warnings ?? []) report.warn(warning);
    return cached(needing, plan, new WebSource(plan.web, { headers, tls }, resolve, report), report);
  };
}

type Needs = Pick<Provider, "name" | "key" | "targets">;

function cached(needs: Needs, { limits }: { limits: CacheLimits }, source: Source, report: Report): Provider {
  return provider(needs, new Cache(source, limits, report));
}

function provider(needs: Needs, from: Pick<Provider, "lookup" | "idle" | "close">): Provider {
  return { ...needs, lookup: (key) => from.lookup(key), idle: () => from.idle(), close: () => from.close() };
}

/** The value is not repeated: it is a secret. */
function headerValue(prefix: string, secret: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret)) return prefix + secret;
  throw new PortailError("a secret is not one line of ASCII, as a header wants it", {
    code: "provider.bad_secret",
    exit: EXIT.badData,
    hint: "the file holds the value alone",
  });
}

/** What goes wrong is told with the name of the provider. */
function inProvider<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const { code, exit, hint, detail, cause } = error;
    throw new PortailError(`[provider.${name}]: ${error.message}`, {
      code,
      exit,
      cause,
      ...(hint !== undefined && { hint }),
      ...(detail !== undefined && { detail }),
    });
  }
}
