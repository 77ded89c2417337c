/** `--write-once`: which registry is asked for, and opening it. */
import { join } from "node:path";
import { usage } from "../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../lib/command/define.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { parseChoice, parseDuration, parseInteger } from "../../../lib/command/values.ts";
import type { SourceFiles } from "../../../lib/identity/source-files.ts";
import { readTrust } from "../../../lib/identity/trust.ts";
import type { KeepAlive } from "../../../lib/net/keep-alive.ts";
import { parseRedisUrl, type RedisEndpoint } from "../../../lib/net/redis-endpoint.ts";
import type { RedisTimes } from "../../../lib/net/redis.ts";
import type { Resolve } from "../../../lib/net/resolve.ts";
import { FileRegistry } from "./file-registry.ts";
import type { args } from "./flags.ts";
import { RedisRegistry } from "./redis-registry.ts";
import { probe, RegistryError, type WriteOnce } from "./write-once.ts";

export interface WriteOnceSettings {
  /** Where the registry does not answer, uploads are let through. */
  readonly open: boolean;
  readonly registry:
    | { readonly kind: "file"; readonly path: string }
    | {
        readonly kind: "redis";
        readonly endpoint: RedisEndpoint;
        readonly times: RedisTimes;
        readonly most: number;
        /** None means the system's store. */
        readonly cacert: readonly string[];
      };
}

type Given = ParsedArgs<typeof args>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `PortailError` for flags that make no sense, alone or beside the others. */
export function parseWriteOnce(given: Given, env: Environment): WriteOnceSettings {
  const open = parseChoice("--write-once-fail", given["write-once-fail"], ["deny", "open"]) === "open";
  const url = given["redis-url"];
  const file = given["write-once-db"];
  if (url === undefined) {
    if (given["redis-cacert"].length > 0) throw usage("usage.missing", "--redis-cacert needs --redis-url");
    return { open, registry: { kind: "file", path: file ?? defaultFile(env) } };
  }
  if (file !== undefined)
    throw usage(
      "usage.conflict",
      "--write-once-db and --redis-url (or REDIS_URL) exclude each other",
      "leave one of them out",
    );
  const endpoint = parseRedisUrl(url, "--redis-url");
  if (!endpoint.tls && given["redis-cacert"].length > 0)
    throw usage("usage.conflict", "--redis-cacert and redis:// exclude each other", "write rediss:// to use TLS");
  const time = (name: "wait" | "create" | "recycle") => {
    const flag = `redis-timeout-${name}` as const;
    return parseMilliseconds(`--${flag}`, given[flag]);
  };
  const times = { wait: time("wait"), create: time("create"), recycle: time("recycle") };
  const most = parseInteger("--redis-pool-max-size", given["redis-pool-max-size"], { min: 1, max: 10_000 });
  return { open, registry: { kind: "redis", endpoint, times, most, cacert: given["redis-cacert"] } };
}

export interface RegistryTools {
  readonly files: SourceFiles;
  readonly resolve: Resolve;
  readonly keepAlive: KeepAlive;
}

/** Opens it and uses it once. Throws `PortailError` where it cannot be read and written. */
export async function openRegistry({ registry }: WriteOnceSettings, tools: RegistryTools): Promise<WriteOnce> {
  const opened = registry.kind === "file" ? await FileRegistry.open(registry.path) : openRedis(registry, tools);
  try {
    await probe(opened);
  } catch (error) {
    opened.close();
    if (!(error instanceof RegistryError)) throw error;
    throw new PortailError(`the registry of --write-once cannot be used: ${opened.place}: ${error.message}`, {
      code: "s3crypt.registry",
      exit: EXIT.unavailable,
      hint: "without it nobody could tell which uploads were made: start it, or leave --write-once out",
      cause: error,
    });
  }
  return opened;
}

function openRedis(
  { endpoint, times, most, cacert }: Extract<WriteOnceSettings["registry"], { kind: "redis" }>,
  { files, resolve, keepAlive }: RegistryTools,
): WriteOnce {
  const trust = endpoint.tls ? readTrust({ cacert, crl: [] }, files) : undefined;
  return new RedisRegistry(endpoint.toString(), endpoint.open({ resolve, keepAlive, trust, times, most }));
}

/** Of the service manager's state directories the first; else where programs of a user keep theirs (XDG). */
function defaultFile(env: Environment): string {
  const [managed] = env["STATE_DIRECTORY"]?.split(":") ?? [];
  if (managed !== undefined && managed.startsWith("/")) return join(managed, "write-once.db");
  const state = env["XDG_STATE_HOME"];
  if (state !== undefined && state.startsWith("/")) return join(state, "portail", "write-once.db");
  const home = env["HOME"];
  if (home !== undefined && home.startsWith("/")) return join(home, ".local/state/portail/write-once.db");
  throw usage(
    "usage.missing",
    "--write-once needs a place for its registry, and there is neither STATE_DIRECTORY nor HOME",
    "give --write-once-db FILE or --redis-url URL",
  );
}

/** ds_proxy writes milliseconds without a unit. */
function parseMilliseconds(flag: string, text: string): number {
  return parseDuration(flag, /^[0-9]{1,9}$/.test(text) && text !== "0" ? `${text}ms` : text, { min: 1 });
}
