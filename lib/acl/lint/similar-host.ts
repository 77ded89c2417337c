/** `similar-host`: a host that differs from another one of the policy by a doubled or two swapped letters. */
import { canonicalHost } from "../../wire/host.ts";
import type { Rule } from "./engine/finding.ts";
import { similar, singled } from "./engine/similar.ts";
import type { Subject } from "./engine/subject.ts";
import { hostLiterals } from "./engine/walk.ts";

/** Hosts that are looked at; a longer list is a block list, where look-alikes are the point. */
const MAX_HOSTS = 20_000;

export const rule: Rule = {
  id: "similar-host",
  severity: "note",
  summary: "Two hosts look alike and are not the same",
  fixable: false,
  *check(subject) {
    for (const { one, like } of similar(hostsOf(subject), singled)) {
      const { file, start, end } = one;
      yield {
        file,
        start,
        end,
        message: `the host "${one.text}" is easily taken for "${like.text}"`,
        hint: `did you mean "${like.text}"?`,
        label: `not "${like.text}"`,
      };
    }
  },
};

interface Host {
  readonly text: string;
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** In the order of the files. */
function hostsOf(subject: Subject): Host[] {
  const hosts: Host[] = [];
  for (const { file, literal } of hostLiterals(subject)) {
    if (hosts.length >= MAX_HOSTS) break;
    const { host } = canonicalHost(literal.kind === "string" ? literal.value : literal.text);
    if (host !== undefined) hosts.push({ text: host, file, start: literal.start, end: literal.end });
  }
  const order = new Map(subject.files.map(({ source }, i) => [source.name, i]));
  return hosts.sort((x, y) => order.get(x.file)! - order.get(y.file)! || x.start - y.start);
}
