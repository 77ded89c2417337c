/** From facts about a machine to findings: what each means for which command, and what to do. Reads nothing. */
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { judgeCipher, judgeModules, judgeOpenssl, judgeProgram, judgeTrust } from "./judge-libraries.ts";
import { judgeClock, judgeIpv6, judgeLimits, judgePorts } from "./judge-network.ts";
import { judgeCapture, judgeNamespaces, judgeSystemd } from "./judge-system.ts";

/** In the order in which they are shown. */
export function judge(facts: Facts): Finding[] {
  return [
    ...judgeProgram(facts.program),
    judgeCipher(facts.libraries),
    judgeOpenssl(facts.libraries, facts.modules.length > 0),
    ...judgeModules(facts.modules, facts.configured),
    judgeTrust(facts.libraries),
    ...judgePorts(facts.rights, facts.limits),
    ...judgeLimits(facts.limits),
    judgeIpv6(facts.ipv6),
    judgeClock(facts.clock),
    ...judgeSystemd(facts.systemd),
    ...judgeCapture(facts.rights, facts.firewall),
    judgeNamespaces(facts.namespaces),
  ];
}
