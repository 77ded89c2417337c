/** What the access proxy reads from files: policies, templates, users, certificates, what providers and backends need. As a whole, or not at all; puts nothing in force. */
import { readFileSync } from "node:fs";
import type { Policy } from "../../lib/acl/policy.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { LoadedContext } from "../../lib/context/load.ts";
import { parseUsers, type Users } from "../../lib/identity/users.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { readGroups, type ControlGroups } from "./control-access.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { loadBackend, type LoadedBackend } from "./load-backends.ts";
import { readTrust, type Trust } from "../../lib/identity/trust.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import { loadTls, type LoadedTls } from "./load-tls.ts";
import type { Settings } from "./settings.ts";
import { readTemplates, type Templates } from "./templates.ts";

/** What was read: swapped at a reload. */
export interface Loaded {
  readonly policy: Policy;
  /** Decides what of a denial's reason is shown; undefined shows nothing. */
  readonly explainPolicy: Policy | undefined;
  readonly templates: Templates;
  /** Undefined where nobody is asked who they are. */
  readonly users: Users | undefined;
  /** Undefined where nobody speaks TLS. */
  readonly tls: LoadedTls | undefined;
  /** Providers of facts that the policy mentions; undefined where it needs none. */
  readonly context: LoadedContext | undefined;
  /** Who may do what over the control socket. */
  readonly controlGroups: ControlGroups;
  /** By name. */
  readonly backends: ReadonlyMap<string, LoadedBackend>;
  /** Of the system: read when the first client asks for an origin over TLS. Throws `PortailError`. */
  readonly originTrust: () => OriginTrust;
  readonly warnings: readonly string[];
}

export interface OriginTrust {
  context: TlsContext;
  trust: Trust;
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export async function load(settings: Settings, files: SourceFiles): Promise<Loaded> {
  const { backends: plans } = settings.exits;
  const { policy, warnings } = readPolicy(settings.acl, { backends: plans.map(({ name }) => name) });
  const explained = settings.explainAcl === undefined ? undefined : readPolicy(settings.explainAcl);
  const { templates, warnings: lacking } = readTemplates(settings.templates, policy);
  const backends = new Map<string, LoadedBackend>();
  for (const plan of plans) backends.set(plan.name, await loadBackend(plan, files));
  const users = readUsers(settings.users);
  const tls = settings.wayIn.tls === undefined ? undefined : await loadTls(settings.wayIn.tls, files);
  const originTrust = once(() => readOriginTrust(files));
  const ofFiles = [tls, ...backends.values()].flatMap((loaded) => loaded?.warnings ?? []);
  const context = settings.context?.load([...policy.mentions, ...(explained?.policy.mentions ?? [])]);
  const controlGroups = readGroups(settings.control?.groups ?? { trusted: [], admin: [] });
  const found = [warnings, explained?.warnings ?? ""].filter((warning) => warning !== "");
  return {
    policy,
    explainPolicy: explained?.policy,
    templates,
    users,
    tls,
    context,
    controlGroups,
    originTrust,
    backends,
    warnings: [...found, ...lacking, ...ofFiles],
  };
}

function readOriginTrust(files: SourceFiles): OriginTrust {
  const trust = readTrust({ cacert: [], crl: [] }, files);
  return { context: createContext({ ca: trust.ca }), trust };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function readUsers(path: string | undefined): Users | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new PortailError(`cannot read the users file ${JSON.stringify(path)}: ${(error as { code?: string }).code}`, {
      code: "users.unreadable",
      exit: EXIT.noInput,
      hint: "make it with `htpasswd -nB NAME > FILE`, and let this user read it",
      cause: error,
    });
  }
  return parseUsers(text, path);
}
