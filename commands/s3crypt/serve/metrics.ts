/** The metrics of `portail s3crypt serve`: read from what the gateway has when somebody looks. */
import { Registry, type Labels } from "../../../lib/service/metrics.ts";
import type { Gateway } from "./gateway.ts";

export function gatewayMetrics(gateway: Gateway): Registry {
  const registry = new Registry("portail");
  const { counts } = gateway;
  registry.read("counter", "connections_total", "Clients that came in", () => gateway.sessions);
  registry.read("gauge", "connections_open", "Clients that are connected", () => gateway.open.size);
  registry.read("gauge", "connections_max", "How many may be at a time", () => gateway.settings.limits.total);
  registry.read("counter", "connections_refused_total", "Clients turned away at a limit", () => counts.turnedAway);
  registry.read("counter", "rejects_total", "Clients that came to no request", () => counts.rejected);
  registry.read("counter", "requests_total", "Requests by operation and outcome", () =>
    Array.from(counts.exchanges, ([key, count]) => {
      const [operation = "", outcome = ""] = key.split(" ");
      return [{ operation, outcome }, count] as const;
    }),
  );
  counts.decisions.register(registry);
  registry.read("counter", "troubles_total", "Requests that were answered here, by code", () =>
    labelled("code", counts.troubles),
  );
  registry.read("counter", "objects_read_total", "Objects that were read, by format", () =>
    labelled("format", counts.read),
  );
  registry.read(
    "counter",
    "objects_unproven_total",
    "Objects of which nothing shows where they end",
    () => counts.unproven,
  );
  registry.read("counter", "plaintext_bytes_total", "Bytes that were encrypted and decrypted", () => [
    [{ direction: "encrypted" }, counts.encrypted],
    [{ direction: "decrypted" }, counts.decrypted],
  ]);
  if (gateway.settings.writeOnce !== undefined)
    registry.read("counter", "write_once_total", "Rights to upload, by what became of them", () =>
      labelled("result", counts.rights),
    );
  registry.read(
    "gauge",
    "upstream_idle_connections",
    "Connections to the storage that are kept",
    () => gateway.upstream.idle,
  );
  registry.read(
    "gauge",
    "chains",
    "Objects of ds2 whose ranges are read without what is before them",
    () => gateway.chains.size,
  );
  registry.read("gauge", "keyring_keys", "Keys of the keyring", () => gateway.keys.ids.length);
  return registry;
}

function labelled(label: string, values: ReadonlyMap<string, number>): (readonly [Labels, number])[] {
  return Array.from(values, ([value, count]) => [{ [label]: value }, count]);
}
