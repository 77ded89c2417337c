/** `unanchored-pattern`: a pattern for hosts that also matches hosts of other people's domains. */
import { lookupFact } from "../facts.ts";
import { Pattern } from "../pattern/pattern.ts";
import type { Rule } from "./engine/finding.ts";
import { isBounded, openings } from "./engine/polarity.ts";
import { isUniversal } from "./engine/relations.ts";
import { at, quoted } from "./engine/walk.ts";

export const rule: Rule = {
  id: "unanchored-pattern",
  severity: "warning",
  summary: "A pattern for hosts is open at its start or end, and lets other domains in",
  fixable: false,
  *check(subject) {
    for (const opening of openings(subject)) {
      const { comparison, owner } = opening;
      const { fact, question } = comparison;
      if (question.kind !== "matches" || lookupFact(fact)?.spec.type !== "host") continue;
      if (isBounded(opening) || isUniversal({ ...comparison, negated: false })) continue;
      const hole = holeIn(question.pattern);
      if (hole === undefined) continue;
      yield at(owner.place, comparison, {
        message: `${quoted(subject, owner.place, comparison)} ${hole.what}`,
        hint:
          hole.domain === undefined
            ? "end the pattern with $, or compare with under"
            : `write ${fact} under "${hole.domain}"`,
        label: hole.example === undefined ? undefined : `also matches ${hole.example}`,
      });
    }
  },
};

interface Hole {
  readonly what: string;
  readonly example?: string;
  readonly domain?: string;
}

const OPEN_END = "does not say where the host ends";
const OPEN_START = "does not say where a label begins";

/** Examples are tried before they are shown. */
function holeIn(pattern: Pattern): Hole | undefined {
  const plain = pattern.text.startsWith("(?i)") ? Pattern.compile(pattern.text.slice(4)).pattern : pattern;
  const texts = plain?.texts;
  if (texts === undefined) return hasEnd(pattern.text) ? undefined : { what: OPEN_END };
  const open = texts.beginnings[0] ?? texts.pieces[0];
  if (open !== undefined) return shown(pattern, OPEN_END, `${open.replace(/^\.|\.$/g, "")}.evil.example`, open);
  // An ending that begins with a dot or a hyphen leaves the domain behind it whole.
  const ending = texts.endings.find((text) => /^[a-z0-9]/i.test(text));
  return ending === undefined ? undefined : shown(pattern, OPEN_START, `evil${ending}`, ending);
}

function shown(pattern: Pattern, what: string, example: string, text: string): Hole {
  return { what, ...(pattern.test(example) ? { example } : {}), ...domainOf(text) };
}

function domainOf(text: string): { domain?: string } {
  const domain = text.replace(/^\./, "").toLowerCase();
  return /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain) ? { domain } : {};
}

/** Whether something in the pattern can ask for the end of the text; without it, whatever follows a match is let in. */
function hasEnd(pattern: string): boolean {
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === "\\") {
      const next = pattern[++i];
      if (!inClass && (next === "z" || next === "Z" || next === "b" || next === "B")) return true;
    } else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else if (char === "$") return true;
  }
  return false;
}
