/** A network of a benchmark's own, in which connections that are over are forgotten early. Measures nothing. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";

export interface OwnNetwork {
  /** More addresses of loopback. */
  addresses?: readonly string[];
  /** Whether it takes root: rules of a firewall for some users, say. */
  root?: boolean;
}

const INSIDE = "PORTAIL_BENCH_NETWORK";
/**
 * Connections in TIME_WAIT at a time. Of the usual hundred thousands each would hold a port of one pair of addresses: after
 * some seconds of new connections everybody would be measured in looking for a free one.
 */
const MOST_WAITING = 4096;
/** Seconds for which the firewall remembers such a connection: in its usual two minutes its table would be full. */
const TRACKED = 2;
const PREPARE = [
  "ip link set lo up",
  `echo ${MOST_WAITING} > /proc/sys/net/ipv4/tcp_max_tw_buckets`,
  `(echo ${TRACKED} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait) 2> /dev/null || true`,
];

/** Runs this very command line in such a network, and answers its exit status; undefined where it runs there already. Throws `PortailError` (`bench.root`). */
export async function runInOwnNetwork({ addresses = [], root = false }: OwnNetwork): Promise<number | undefined> {
  if (process.env[INSIDE] !== undefined) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (root && !isRoot)
    throw new PortailError("this benchmark takes root", {
      code: "bench.root",
      exit: EXIT.noPrivilege,
      hint: "it is done in a network of its own: nothing of this machine is touched",
    });
  const user = isRoot ? [] : ["--user", "--map-root-user"];
  const script = [...PREPARE, ...addresses.map((one) => `ip address add ${one}/32 dev lo`), 'exec "$@"'].join(" && ");
  const again = [process.execPath, ...process.argv.slice(1)];
  const child = Bun.spawn(["unshare", ...user, "--net", "--", "sh", "-c", script, "sh", ...again], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM").on("SIGINT", pass).on("SIGTERM", pass);
  return child.exited;
}
