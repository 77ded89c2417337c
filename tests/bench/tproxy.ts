/** The transparent proxy beside HAProxy with original destinations, redsocks, and our own tunnel: captured connections over mTLS to the same server side, in the clear, and to a proxy. In a network of its own. Not a test. */
import type { Report } from "./run.ts";
import { machine } from "./support/machine.ts";
import { FULL, type Effort } from "./support/modes.ts";
import type { Options } from "./support/options.ts";
import type { OwnNetwork } from "./support/own-network.ts";
import { PROXY_CORE } from "./support/process.ts";
import { TUNNEL_ROWS, type NamedRow } from "./support/rows.ts";
import { captures, STAND_INS } from "./tproxy/captures.ts";
import { contest } from "./tunnel.ts";

export const ownNetwork: OwnNetwork = { root: true, addresses: Object.values(STAND_INS) };

/** Resumption is the tunnel's to measure. */
const ROWS = TUNNEL_ROWS.filter(({ mode }) => mode !== "resumed").map((row): NamedRow => ({
  ...row,
  title: row.title.replace("full handshakes", "new connections"),
  goal: undefined,
}));

/** Handshakes are few a second: what is run often is compiled only after some thousands. */
const EFFORT: Effort = { ...FULL, bulkMs: 2000, rateWarmupMs: 20_000, rateMs: 3000, echoes: 10_000, tunnels: 1000 };

/** `npm run bench -- tproxy [--rounds N] [--quick] [--only NAME,…] [--portail binary|source]`, as root. */
export default function tproxy(argv: string[]): Promise<Report> {
  return contest(argv, { name: "tproxy", contenders: captures, rows: ROWS, effort: EFFORT, introduction });
}

function introduction(argv: readonly string[], options: Options, others: number): string {
  return [
    `\`npm run bench -- tproxy${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${options.subject}. ${options.rounds} rounds, as in the section on the tunnel. A contender is what captures connections, by`,
    "nftables and the original destination, and wraps them in mTLS (TLS 1.3, X25519, ECDSA P-256, both certificates verified),",
    "beside the same server side for all: HAProxy, which ends TLS before the target. The ratios are of both together. The tunnel",
    "of portail captures nothing: it is what the wrapping costs alone. By itself portail would offer a post-quantum key exchange as",
    "well, which none of the peers knows. In the second table what is captured goes on in the clear, and in the third it is led in",
    "the clear to a proxy by CONNECT, squid for all: redsocks does nothing else, and speaks no TLS. There the figures are of capture",
    "and proxy together.",
    `All are pinned to core ${PROXY_CORE}; no audit is written, so that no process is searched.`,
    "",
    `Other programs took ${Math.round(others * 100)} % of the machine's processor time during the run.`,
  ].join("\n");
}
