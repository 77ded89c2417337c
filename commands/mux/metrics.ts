/** What a multiplexer counts: by route, and what came to none by the reason. */
import { CarriedCounts, CarriedMetrics } from "../../lib/service/carried-metrics.ts";

export class RouteCounts extends CarriedCounts {
  /** Connections that are anywhere between the choice and the end. */
  busy = 0;
}

export class MuxMetrics extends CarriedMetrics<RouteCounts> {
  constructor() {
    super("route", () => new RouteCounts());
  }
}
