/** What rules read from files: identities, trust, revocation lists, policies, hosts; all or nothing. Puts nothing in force. */
import type { Policy } from "../../lib/acl/policy.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { IdentitySources } from "../../lib/identity/flags.ts";
import { readIdentity } from "../../lib/identity/identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust, type Trust } from "../../lib/identity/trust.ts";
import { createContext, type TlsContext, type TlsVersion } from "../../lib/net/tls-context.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { StaticNames, type Names } from "./known-names.ts";
import type { RuleSettings } from "./rule-settings.ts";
import type { NameSettings } from "./settings.ts";

/** A rule, and where its identity and trust are. */
export interface RulePlan {
  settings: RuleSettings;
  sources: IdentitySources;
}

/** What a rule has read. */
export interface RuleFiles {
  context: TlsContext;
  /** Undefined under pins. */
  trust: Trust | undefined;
  policy: Policy | undefined;
  /** For an `https://` proxy. */
  proxyContext: TlsContext | undefined;
}

export interface Loaded {
  rules: readonly (RulePlan & { files: RuleFiles })[];
  names: Names;
}

export interface LoadTools {
  files: SourceFiles;
  log: Logger;
  minVersion: TlsVersion;
  proxyCa: readonly string[];
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export function load(plans: readonly RulePlan[], { fake, hosts }: NameSettings, tools: LoadTools): Loaded {
  const names = new StaticNames(fake);
  for (const { settings } of plans) for (const ip of settings.addresses) names.add(ip, settings.names[0]!.text);
  for (const path of hosts) names.addHosts(path);
  const policies = new Map<string, Policy>();
  return { rules: plans.map((plan) => ({ ...plan, files: loadRule(plan, tools, policies) })), names };
}

function loadRule({ settings, sources }: RulePlan, tools: LoadTools, policies: Map<string, Policy>): RuleFiles {
  const { files, log, minVersion, proxyCa } = tools;
  const identity = sources.identity && readIdentity(sources.identity, files);
  const trust = settings.rules?.pinned === true ? undefined : readTrust(sources.trust, files);
  for (const warning of [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])]) log.warn(warning);
  return {
    context: createContext({ material: identity?.credential, ca: trust?.ca, crl: trust?.crl, minVersion }),
    trust,
    policy: settings.acl === undefined ? undefined : loadPolicy(settings.acl, log, policies),
    proxyContext: settings.proxy?.tls
      ? createContext({ ca: readTrust({ cacert: proxyCa, crl: [] }, files).ca, minVersion })
      : undefined,
  };
}

function loadPolicy(path: string, log: Logger, known: Map<string, Policy>): Policy {
  const before = known.get(path);
  if (before !== undefined) return before;
  const { policy, warnings } = readPolicy(path);
  if (warnings !== "") log.warn(warnings);
  known.set(path, policy);
  return policy;
}
