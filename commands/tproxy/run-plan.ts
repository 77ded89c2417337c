/** All that `portail tproxy run` was told, as values: for its start, and to check it before. Opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { Config, ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseLife } from "../../lib/command/flags.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import type { runArgs } from "./flags.ts";
import { parseLed } from "./led-settings.ts";
import type { LedSettings } from "./led-names.ts";
import type { RulePlan } from "./load.ts";
import { parseRules, type RuleSettings } from "./rule-settings.ts";
import { parseCapture, parseCarry, parseNames, sourcesOf, type CarrySettings, type NameSettings } from "./settings.ts";
import type { Capture } from "./table.ts";

export interface CapturePlan {
  mode: "redirect" | "anyip";
  capture: Capture;
  names: NameSettings;
  settings: CarrySettings;
  rules: readonly RuleSettings[];
}

/** What is needed to take a capture away as well. Throws `PortailError` for what makes no sense, alone or beside the rest. */
export function planCapture(args: ParsedArgs<typeof runArgs>, config: Config): CapturePlan {
  const mode = parseChoice("--mode", args.mode, ["redirect", "anyip"]);
  const rules = parseRules(args, config);
  if (mode === "anyip") refuseBesideAnyIp(args);
  return { mode, rules, capture: parseCapture(args, rules), names: parseNames(args), settings: parseCarry(args) };
}

export interface RunPlan extends CapturePlan {
  plans: readonly RulePlan[];
  status: StatusSettings | undefined;
  life: ReturnType<typeof parseLife>;
  /** Of the stub resolver, where one is wanted. */
  led: LedSettings | undefined;
}

/** Throws `PortailError` as `planCapture`. */
export function planRun(args: ParsedArgs<typeof runArgs>, config: Config): RunPlan {
  const capture = planCapture(args, config);
  const { rules } = capture;
  if (args["proxy-cacert"].length > 0 && !rules.some(({ proxy }) => proxy?.tls))
    throw usage("usage.missing", "--proxy-cacert needs a proxy over TLS", "give --proxy https://HOST:PORT too");
  return {
    ...capture,
    status: parsePlainStatus(args),
    life: parseLife(args),
    plans: rules.map((rule) => ({ settings: rule, sources: sourcesOf(rule, args, config) })),
    led: parseLed(args, rules),
  };
}

function parsePlainStatus(args: ParsedArgs<typeof runArgs>): StatusSettings | undefined {
  const status = parseStatus(args);
  if (status?.scheme !== "https") return status;
  throw new PortailError("--status: a transparent proxy serves its status over plain HTTP", {
    code: "status.address",
    exit: EXIT.usage,
    hint: "write HOST:PORT of loopback, or unix:PATH",
  });
}

/** What only a firewall can tell apart would be believed in force. */
function refuseBesideAnyIp(args: ParsedArgs<typeof runArgs>): void {
  const lists = ["capture-to", "capture-user", "capture-group", "capture-cgroup", "exempt-user"] as const;
  const listed = lists.find((name) => args[name].length > 0);
  const given = listed ?? (args.instance !== undefined ? "instance" : args["capture-dns"] ? "capture-dns" : undefined);
  if (given === undefined) return;
  const hint = "leave it out: who may be carried is said by the rules, and what is captured by --fake-range";
  throw usage("usage.conflict", `--mode anyip and --${given} exclude each other`, hint);
}
