/** What rules read from files: identities, trust, revocation lists, policies, verifiers, hosts; all or nothing. Puts nothing in force. */
import { resolve } from "node:path";
import type { Policy } from "../../lib/acl/policy.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import type { IdentitySources } from "../../lib/identity/flags.ts";
import { openIdentity } from "../../lib/identity/open-identity.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { readTrust, type Trust } from "../../lib/identity/trust.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import type { TlsTerms } from "../../lib/net/tls-flags.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { Verifier } from "../../lib/service/verifier.ts";
import { LedAndStaticNames, StaticNames, type Names } from "./known-names.ts";
import type { FakeAddresses } from "./names/fake-addresses.ts";
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
  identity: Identity | undefined;
  /** Undefined under pins. */
  trust: Trust | undefined;
  policy: Policy | undefined;
  verifier: Verifier | undefined;
  /** For an `https://` proxy. */
  proxyContext: TlsContext | undefined;
}

export interface Loaded {
  rules: readonly (RulePlan & { files: RuleFiles })[];
  names: Names;
  verifiers: readonly Verifier[];
}

export interface LoadTools {
  files: SourceFiles;
  log: Logger;
  tls: TlsTerms;
  proxyCa: readonly string[];
  cwd: string;
  /** Milliseconds. */
  verifierTimeout: number;
  /** Of a stub resolver. */
  led: FakeAddresses | undefined;
}

/** Throws `PortailError` for a file that cannot be read or does not hold what it should. */
export async function load(plans: readonly RulePlan[], settings: NameSettings, tools: LoadTools): Promise<Loaded> {
  const statics = readNames(plans, settings);
  const names = tools.led === undefined ? statics : new LedAndStaticNames(statics, tools.led);
  const policies = new Map<string, Policy>();
  const read: { plan: RulePlan; files: Omit<RuleFiles, "verifier"> }[] = [];
  for (const plan of plans) read.push({ plan, files: await loadRule(plan, tools, policies) });
  const verifiers = await openVerifiers(plans, tools);
  const rules = read.map(({ plan, files }) => {
    const { verifier } = plan.settings;
    return { ...plan, files: { ...files, verifier: verifier === undefined ? undefined : verifiers.get(verifier) } };
  });
  return { rules, names, verifiers: [...verifiers.values()] };
}

/** What the operator says himself. Throws `PortailError` (66) for a hosts file that cannot be read. */
export function readNames(plans: readonly RulePlan[], { fake, hosts }: NameSettings): StaticNames {
  const names = new StaticNames(fake);
  for (const { settings } of plans) for (const ip of settings.addresses) names.add(ip, settings.names[0]!.text);
  for (const path of hosts) names.addHosts(path);
  return names;
}

/** By path, each once. */
async function openVerifiers(plans: readonly RulePlan[], tools: LoadTools): Promise<Map<string, Verifier>> {
  const opened = new Map<string, Verifier>();
  try {
    for (const path of new Set(plans.flatMap(({ settings }) => settings.verifier ?? [])))
      opened.set(path, await Verifier.open(resolve(tools.cwd, path), tools.verifierTimeout));
  } catch (error) {
    for (const verifier of opened.values()) verifier.close();
    throw error;
  }
  return opened;
}

async function loadRule(
  { settings, sources }: RulePlan,
  tools: LoadTools,
  policies: Map<string, Policy>,
): Promise<Omit<RuleFiles, "verifier">> {
  const { files, log, tls, proxyCa } = tools;
  const identity = sources.identity && (await openIdentity(sources.identity, files));
  const trust = settings.rules?.pinned === true ? undefined : readTrust(sources.trust, files);
  for (const warning of [...(identity?.warnings ?? []), ...(trust?.warnings ?? [])]) log.warn(warning);
  return {
    context: createContext({ material: identity?.credential, ca: trust?.ca, crl: trust?.crl, ...tls }),
    identity,
    trust,
    policy: settings.acl === undefined ? undefined : loadPolicy(settings.acl, log, policies),
    proxyContext: settings.proxy?.tls
      ? createContext({ ca: readTrust({ cacert: proxyCa, crl: [] }, files).ca, ...tls })
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
