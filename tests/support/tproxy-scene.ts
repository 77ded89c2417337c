/** A running `portail tproxy`: what it logged and recorded, and its table. Asserts nothing. */
import type { SessionEvent } from "../../lib/audit/event.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { OwnNetwork } from "./own-network.ts";
import type { Portail } from "./portail.ts";
import type { Outcome, Program } from "./program.ts";
import type { Scene } from "./scene.ts";

let started = 0;

export class RunningTproxy {
  readonly program: Program;
  readonly audit: AuditTrail;

  private constructor(
    scene: Scene,
    portail: Pick<Portail, "command">,
    net: OwnNetwork,
    args: readonly string[],
    auditFile: string,
  ) {
    this.program = net.start(scene, [...portail.command, "tproxy", "run", "--audit", auditFile, ...args]);
    this.audit = new AuditTrail(auditFile, () => this.program.stderr);
  }

  /** Once it captures. */
  static async start(
    scene: Scene,
    portail: Pick<Portail, "command">,
    net: OwnNetwork,
    args: readonly string[],
  ): Promise<RunningTproxy> {
    const tproxy = new RunningTproxy(scene, portail, net, args, scene.path(`tproxy-${++started}.jsonl`));
    await tproxy.program.output("stderr", /capturing .*listening on/);
    return tproxy;
  }

  /** Sends SIGTERM; the exit status. */
  stop(): Promise<number | null> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }
}

/** Of connections that were let through the record comes late: when they are over. */
export function isDenied({ decision }: SessionEvent): boolean {
  return decision === "deny";
}

/** All tables of a network's firewall, as nft prints them. */
export async function ruleset(net: OwnNetwork): Promise<string> {
  return (await net.run(["nft", "list", "ruleset"])).stdout;
}

/** Runs `command` there as the user with that number. */
export function asUser(net: OwnNetwork, uid: number, command: readonly string[]): Promise<Outcome> {
  return net.run(["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--", ...command]);
}
