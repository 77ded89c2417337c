/** What a client is told of a refusal: as a page or as text, and as much of the reason as the explain policy shows. Sends nothing. */
import type { Reason } from "../../lib/acl/decision.ts";
import { shownReason, type ShownReason } from "../../lib/acl/shown-reason.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import {
  refusalText,
  TEXT_TYPE,
  type RefusalBody,
  type RefusalLine,
  type WriteBody,
} from "../../lib/session/http-refusal.ts";
import { builtinPage, type Told } from "../../lib/session/refusal-page.ts";
import { visible } from "../../lib/session/visible.ts";
import { prefersHtml } from "../../lib/wire/http-accept.ts";
import type { Asker, Refused } from "./passage.ts";
import type { Proxy } from "./proxy.ts";
import { CHALLENGE } from "./templates.ts";

/** For `answerRefusal`, whatever the version of HTTP. The rest of the reason is for the audit. */
export function refusalBody(proxy: Proxy, asker: Asker, asked: ProxyRequest, refused: Refused): WriteBody {
  const shown = shownOf(proxy, refused);
  const told = toldOf(asker, asked, refused, shown);
  const html = prefersHtml(fieldOf(asked, "accept"));
  const { decision } = refused;
  const template = proxy.templates.get(decision?.outcome === "challenge" ? CHALLENGE : (decision?.template ?? ""));
  const details = shown === undefined ? undefined : detailsOf(shown);
  return (line) => {
    const own = html ? template?.html : template?.text;
    const body = own?.write(told) ?? (html ? builtinPage(line, told) : text(line, told));
    return { ...body, details };
  };
}

function shownOf(proxy: Proxy, { decision, facts }: Refused): ShownReason | undefined {
  if (decision === undefined || facts === undefined) return undefined;
  return shownReason(proxy.explainPolicy, proxy.policy, decision, facts);
}

/** The target is the one that was asked for: where a redirect led is not the client's to know. */
function toldOf(
  asker: Asker,
  { host, port }: ProxyRequest,
  { decision }: Refused,
  shown: ShownReason | undefined,
): Told {
  return {
    host,
    port: String(port),
    outcome: decision === undefined ? "error" : decision.outcome,
    reason: shown === undefined ? "" : REASONS[shown.reason],
    policy: shown?.policy ?? "",
    missing: shown?.missing ?? "",
    requirement: shown?.requirements.join("; ") ?? "",
    session: asker.session,
    challenge: decision?.challenge ?? "",
  };
}

const REASONS: Record<Reason, string> = {
  policy: "a policy says so",
  default: "no policy allows it",
  missing_fact: "something that the policy asks for is not known",
  type_mismatch: "something that the policy asks for is not of the expected kind",
  backend: "a backend takes no datagrams",
  guard: "the address is not public, and the policy does not name it",
  depth: "the policy redirects it in circles",
};

/** For programs, hence codes. */
function detailsOf({ reason, policy, missing }: ShownReason): string {
  const parts = [`reason=${reason}`, policy && `policy=${policy}`, missing && `missing=${missing}`];
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}

/** The usual line, and below it what the person may know. */
function text(line: RefusalLine, told: Told): RefusalBody {
  const rows = [
    ["reason", told.reason],
    ["policy", told.policy],
    ["required", told.requirement],
    ["not known", told.missing],
  ].filter(([, value]) => value !== "");
  const reference = rows.length === 0 ? [] : [["reference", told.session]];
  const more = [...rows, ...reference].map(([name, value]) => `${name}: ${visible(value!)}\n`);
  return { type: TEXT_TYPE, body: refusalText(line) + more.join("") };
}

function fieldOf({ http }: ProxyRequest, wanted: string): string | undefined {
  const values = http?.headers().filter(([name]) => name.toLowerCase() === wanted) ?? [];
  return values.length === 0 ? undefined : values.map(([, value]) => value).join(",");
}
