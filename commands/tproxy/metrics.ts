/** What a transparent proxy counts: by rule, and what came through none by the reason. */
import { CarriedCounts, CarriedMetrics } from "../../lib/service/carried-metrics.ts";

export class TproxyMetrics extends CarriedMetrics<CarriedCounts> {
  constructor() {
    super("rule", () => new CarriedCounts());
  }
}
