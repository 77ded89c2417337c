/** Where a tunnel pushes its metrics: the flags, their values, and the pushing. What is pushed is ghostunnel-metrics.ts. */
import type { ArgDefinitions, ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Logger } from "../../lib/command/log.ts";
import { parseDuration } from "../../lib/command/values.ts";
import { formatHostPort, parseEndpoint } from "../../lib/net/endpoint.ts";
import { hasReadableCredentials, postJson, pushEvery, sendText, withoutSecrets } from "../../lib/service/push.ts";
import { flatten, type GhostunnelMetrics } from "./ghostunnel-metrics.ts";

export const pushFlags = {
  "metrics-graphite": {
    type: "string",
    valueHint: "HOST:PORT",
    group: "Status",
    description: "Push metrics there by Graphite's plaintext protocol over TCP",
  },
  "metrics-url": {
    type: "string",
    valueHint: "URL",
    group: "Status",
    description: "POST metrics there as JSON (http or https)",
  },
  "metrics-prefix": {
    type: "string",
    default: "ghostunnel",
    valueHint: "NAME",
    group: "Status",
    description: "What names of pushed metrics and of /_metrics begin with",
  },
  "metrics-interval": {
    type: "string",
    default: "30s",
    valueHint: "TIME",
    group: "Status",
    description: "How often metrics are pushed",
  },
} as const satisfies ArgDefinitions;

export interface PushSettings {
  graphite: { host: string; port: number } | undefined;
  url: URL | undefined;
  prefix: string;
  /** Milliseconds. */
  interval: number;
}

/** Throws `PortailError` (64). */
export function parsePushSettings(args: ParsedArgs<typeof pushFlags>): PushSettings {
  const { "metrics-graphite": graphite, "metrics-url": url, "metrics-prefix": prefix } = args;
  return {
    graphite: graphite === undefined ? undefined : parseGraphite(graphite),
    url: url === undefined ? undefined : parseUrl(url),
    prefix: parsePrefix(prefix),
    interval: parseDuration("--metrics-interval", args["metrics-interval"], { min: 1 }),
  };
}

/** Begins to push; the first time after one interval. `ca` (PEM) is what an https URL is verified by. Returns what ends it. */
export async function startPush(
  settings: PushSettings,
  metrics: GhostunnelMetrics,
  log: Logger,
  ca?: readonly string[],
): Promise<() => void> {
  const { graphite, url, interval } = settings;
  const ends: (() => void)[] = [];
  if (graphite !== undefined) {
    const { host, port } = graphite;
    const send = await sendText(host, port, () => metrics.graphite());
    ends.push(pushEvery(interval, `Graphite at ${formatHostPort(host, port)}`, send, log));
  }
  if (url !== undefined) {
    ends.push(
      pushEvery(
        interval,
        withoutSecrets(url),
        postJson(url, () => metrics.json(), ca),
        log,
      ),
    );
  }
  return () => ends.forEach((end) => end());
}

function parseGraphite(text: string): { host: string; port: number } {
  const endpoint = parseEndpoint(text, "--metrics-graphite");
  if (endpoint.kind !== "tcp" || endpoint.port === 0) throw refuse("--metrics-graphite", "write HOST:PORT");
  return endpoint;
}

const ENCODED = "user and password in it are percent-encoded UTF-8: a % is written as %25";

/** The URL may hold a password: it is not repeated. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw refuse("--metrics-url", "write http://… or https://…");
  if (!hasReadableCredentials(url)) throw refuse("--metrics-url", ENCODED);
  return url;
}

/** It must do in Graphite's lines, in Prometheus' names and in JSON. */
function parsePrefix(text: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(flatten(text)) && !text.includes(" ")) return text;
  throw refuse("--metrics-prefix", "use letters, digits, dots, dashes and underscores, and begin with a letter");
}

function refuse(flag: string, hint: string): PortailError {
  return new PortailError(`${flag}: the value is not one that it takes`, {
    code: "usage.value",
    exit: EXIT.usage,
    hint,
  });
}
