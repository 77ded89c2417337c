/** What OpenStack Swift's servers read at their start: one disk, one copy, no fork, names and secrets that are known. Writes no file. */

/** Ports of 127.0.0.1. */
interface SwiftPorts {
  proxy: number;
  account: number;
  container: number;
  object: number;
  memcached: number;
}

export const STORES = ["account", "container", "object"] as const;

/** The account of tempauth, its administrator, and what a request for a token must say. */
export const ACCOUNT = "test";
export const USER = "tester";
export const SECRET = "testing";
export const REGION = "us-east-1";

/** Eight partitions. */
export const PART_POWER = 3;
export const DISK = "disk";

/**
 * For the system's python3 with the folder of the settings and the ports of `STORES`: makes the rings, in one process where
 * swift-ring-builder takes nine. It says in hex what is put before and after a path that is hashed: all of Swift has
 * that from /etc/swift/swift.conf, as the package brings it, and no setting leads elsewhere.
 */
export const RING_SCRIPT = `
import sys
from swift.common import utils
from swift.common.ring import RingBuilder
print(utils.HASH_PATH_PREFIX.hex(), utils.HASH_PATH_SUFFIX.hex())
for name, port in zip(${JSON.stringify(STORES)}, map(int, sys.argv[2:])):
    builder = RingBuilder(${PART_POWER}, 1, 1)
    place = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "device": "${DISK}", "weight": 1, "meta": "", **place})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
`;

/** `user` runs them; `folder` has the rings, `devices` the disk. */
export interface SwiftPlace {
  user: string;
  folder: string;
  devices: string;
  ports: SwiftPorts;
}

export function storeSettings(kind: (typeof STORES)[number], place: SwiftPlace): string {
  // A listing must have an object once its PUT was answered: no updater runs that would bring it in later.
  const app = { use: `egg:swift#${kind}`, ...(kind === "object" && { container_update_timeout: 60 }) };
  const pipeline = { pipeline: `${kind}-server` };
  return ini({
    DEFAULT: common(place, place.ports[kind]),
    "pipeline:main": pipeline,
    [`app:${kind}-server`]: app,
  });
}

export function proxySettings(place: SwiftPlace): string {
  const filters: Record<string, object> = {
    catch_errors: {},
    gatekeeper: {},
    healthcheck: {},
    "proxy-logging": { use: "egg:swift#proxy_logging" },
    cache: { use: "egg:swift#memcache", memcache_servers: `127.0.0.1:${place.ports.memcached}` },
    listing_formats: {},
    bulk: {},
    tempurl: {},
    s3api: { location: REGION, max_upload_part_num: 10_000 },
    tempauth: { [`user_${ACCOUNT}_${USER}`]: `${SECRET} .admin` },
    copy: {},
    slo: { max_manifest_segments: 10_000 },
    dlo: {},
    versioned_writes: {},
    symlink: {},
  };
  // With one node, a node that failed a few times must not count as gone; and a slow machine is no failure.
  const patience = {
    error_suppression_limit: 1_000_000,
    node_timeout: 60,
    recoverable_node_timeout: 60,
    conn_timeout: 10,
  };
  const names = Object.keys(filters);
  return ini({
    DEFAULT: common(place, place.ports.proxy),
    "pipeline:main": { pipeline: [...names, "proxy-logging", "proxy-server"].join(" ") },
    "app:proxy-server": { use: "egg:swift#proxy", account_autocreate: true, ...patience },
    ...Object.fromEntries(names.map((name) => [`filter:${name}`, { use: `egg:swift#${name}`, ...filters[name] }])),
  });
}

/** One process each, which ends when it is told; the system's log hears nothing of it. */
function common({ user, folder, devices }: SwiftPlace, port: number): object {
  const alone = { workers: 0, mount_check: false, disable_fallocate: true, fallocate_reserve: 0 };
  const quiet = { log_udp_host: "127.0.0.1", log_udp_port: 9 };
  return { bind_ip: "127.0.0.1", bind_port: port, user, swift_dir: folder, devices, ...alone, ...quiet };
}

function ini(sections: Record<string, object>): string {
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${String(value)}\n`);
      return `[${name}]\n${lines.join("")}`;
    })
    .join("\n");
}
