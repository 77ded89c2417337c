/** A network of a benchmark's own, in which connections that are over are forgotten early. Measures nothing. */
const INSIDE = "PORTAIL_BENCH_NETWORK";
/**
 * Connections in TIME_WAIT at a time. Of the usual hundred thousands each would hold a port of one pair of addresses: after
 * some seconds of new connections everybody would be measured in looking for a free one.
 */
const MOST_WAITING = 4096;
const PREPARE = `ip link set lo up && echo ${MOST_WAITING} > /proc/sys/net/ipv4/tcp_max_tw_buckets && exec "$@"`;

/** Runs this very command line in such a network, and answers its exit status; undefined where it runs there already. */
export async function runInOwnNetwork(): Promise<number | undefined> {
  if (process.env[INSIDE] !== undefined) return undefined;
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const again = [process.execPath, ...process.argv.slice(1)];
  const child = Bun.spawn(["unshare", ...user, "--net", "--", "sh", "-c", PREPARE, "sh", ...again], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM").on("SIGINT", pass).on("SIGTERM", pass);
  return child.exited;
}
