/** What becomes of a carried connection by the passing of time. Ends none. */
import type { Carried } from "./carried.ts";
import type { CarriedEnd, CarrierSettings } from "./messages.ts";

/** Milliseconds after which who says nothing, or is not connected, is handed over. */
const PATIENCE = 1000;
/** Milliseconds for which a connection is spared its probes, as in keep-alive.ts. */
const YOUTH = 10_000;

/** Milliseconds between two looks. */
export function lookEvery({ idle, lifetime, halfClosed }: CarrierSettings): number {
  const limits = [idle, lifetime, halfClosed, PATIENCE].filter((limit) => limit > 0);
  return Math.max(10, Math.min(...limits) / 2);
}

/** Whether it is to be handed over, ended, or probed by now. */
export function dueFor(
  one: Carried,
  now: number,
  { idle, lifetime, halfClosed, probeAfter, answer }: CarrierSettings,
): "hand_over" | "probe" | CarriedEnd | undefined {
  const age = now - one.accepted;
  if (!one.open) return age >= (one.asking === undefined ? PATIENCE : answer) ? "hand_over" : undefined;
  if (idle > 0 && now - one.movedAt >= idle) return "idle";
  if (lifetime > 0 && age >= lifetime) return "lifetime";
  if (halfClosed > 0 && one.halfClosed > 0 && now - one.halfClosed >= halfClosed) return "half_closed";
  return probeAfter > 0 && age >= YOUTH && !one.probed ? "probe" : undefined;
}
