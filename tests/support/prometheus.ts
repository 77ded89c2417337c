/** What Prometheus' own parser for Python makes of an exposition. Asserts nothing. */
import { run } from "./program.ts";

/** To be named as a need of what calls `parseExposition`. */
export const PROMETHEUS = "python3:prometheus_client";

export interface ParsedFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: string }[];
}

const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.documentation, [[s.name, s.labels, repr(s.value)] for s in f.samples]]
    for f in text_string_to_metric_families(sys.stdin.read())]))
`;

/** Families by name; a counter's name is without `_total`. Throws what the parser says of a text that it refuses. */
export async function parseExposition(text: string): Promise<Map<string, ParsedFamily>> {
  const { status, stdout, stderr } = await run(["/usr/bin/python3", "-c", PARSE], { stdin: text });
  if (status !== 0) throw new Error(stderr);
  type Row = [string, string, string, [string, Record<string, string>, string][]];
  return new Map(
    (JSON.parse(stdout) as Row[]).map(([name, type, help, samples]) => {
      return [name, { type, help, samples: samples.map(([name, labels, value]) => ({ name, labels, value })) }];
    }),
  );
}
