/** The flags of `--write-once` and its registry: data. Those of ds_proxy are among them. */
import type { ArgDefinitions } from "../../../lib/command/define.ts";

const TIME = { type: "string", default: "200", valueHint: "TIME", group: "Write once" } as const;

export const onceFlags = {
  "write-once": {
    type: "boolean",
    group: "Write once",
    description: "Let each presigned URL (TempURL, S3) upload once; also WRITE_ONCE=true",
  },
  "write-once-fail": {
    type: "string",
    default: "deny",
    valueHint: "deny|open",
    group: "Write once",
    description: "What becomes of such an upload while the registry of those that were made does not answer",
  },
  "write-once-db": {
    type: "string",
    valueHint: "FILE",
    group: "Write once",
    description:
      "Keep the registry there; by default in $STATE_DIRECTORY, or in portail/ of the user's state directory",
  },
  "redis-url": {
    type: "string",
    env: "REDIS_URL",
    valueHint: "URL",
    group: "Write once",
    description:
      "Keep the registry in Redis, for several proxies: redis[s]://[USER:PASSWORD@]HOST[:PORT][/DB]. The variable is not seen by other users",
  },
  "redis-cacert": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    group: "Write once",
    description: "Authorities of a rediss:// server instead of the system's",
  },
  "redis-timeout-wait": {
    ...TIME,
    env: "REDIS_TIMEOUT_WAIT",
    description: "How long an upload may wait for a connection to Redis while all are in use; a bare number is in ms",
  },
  "redis-timeout-create": {
    ...TIME,
    env: "REDIS_TIMEOUT_CREATE",
    description: "How long a new connection to Redis may take to be ready; a bare number is in ms",
  },
  "redis-timeout-recycle": {
    ...TIME,
    env: "REDIS_TIMEOUT_RECYCLE",
    description: "How long Redis may take to answer on a connection; a bare number is in ms",
  },
  "redis-pool-max-size": {
    type: "string",
    default: "16",
    env: "REDIS_POOL_MAX_SIZE",
    valueHint: "N",
    group: "Write once",
    description: "Connections to Redis at a time",
  },
} as const satisfies ArgDefinitions;
