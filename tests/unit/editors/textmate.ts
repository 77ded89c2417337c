/** As much of a TextMate tokeniser as our grammar uses: match, begin/end, captures, include. Not Oniguruma: its patterns keep to what both read alike. */

interface Rule {
  include?: string;
  match?: string;
  begin?: string;
  end?: string;
  name?: string;
  contentName?: string;
  captures?: Captures;
  beginCaptures?: Captures;
  endCaptures?: Captures;
  patterns?: Rule[];
}

type Captures = Record<string, { name: string }>;

export interface Grammar extends Rule {
  scopeName: string;
  repository: Record<string, Rule>;
}

/** A rule that has begun, with the scopes of what is in it. */
interface Frame {
  rule: Rule;
  outer: readonly string[];
  inner: readonly string[];
}

interface Found {
  rule: Rule;
  match: RegExpExecArray;
  ends: boolean;
}

/** The scopes of each character, line by line as editors do it. */
export function scopesOf(grammar: Grammar, text: string): (readonly string[])[] {
  const scopes: (readonly string[])[] = [];
  const stack: Frame[] = [{ rule: grammar, outer: [], inner: [] }];
  for (const line of text.split(/(?<=\n)/)) {
    const here: (readonly string[])[] = Array.from({ length: line.length }, () => []);
    tokenise(grammar, stack, line, here);
    scopes.push(...here);
  }
  return scopes;
}

function tokenise(grammar: Grammar, stack: Frame[], line: string, here: (readonly string[])[]): void {
  let at = 0;
  for (let turn = 0; at < line.length; turn++) {
    if (turn > 10 * line.length + 100) throw new Error(`the grammar does not get on at ${at} in ${line}`);
    const top = stack.at(-1)!;
    const found = first(grammar, top, line, at);
    here.fill(top.inner, at, found?.match.index ?? line.length);
    if (found === undefined) return;
    const { rule, match, ends } = found;
    const end = match.index + match[0].length;
    if (ends) {
      stack.pop();
      paint(here, match, top.outer, rule.endCaptures ?? rule.captures);
    } else {
      const outer = rule.name === undefined ? top.inner : [...top.inner, rule.name];
      paint(here, match, outer, rule.beginCaptures ?? rule.captures);
      const inner = rule.contentName === undefined ? outer : [...outer, rule.contentName];
      if (rule.begin !== undefined) stack.push({ rule, outer, inner });
      else if (end === at) throw new Error(`a match of nothing: ${rule.match}`);
    }
    at = end;
  }
}

/** The match that begins first; of several the one that is written first, and the end of the rule before all. */
function first(grammar: Grammar, { rule }: Frame, line: string, at: number): Found | undefined {
  let best: Found | undefined;
  const consider = (pattern: string, candidate: Rule, ends: boolean) => {
    const match = execute(pattern, line, at);
    if (match !== null && (best === undefined || match.index < best.match.index))
      best = { rule: candidate, match, ends };
  };
  if (rule.end !== undefined) consider(rule.end, rule, true);
  for (const one of expand(grammar, rule.patterns ?? [])) consider(one.match ?? one.begin!, one, false);
  return best;
}

function expand(grammar: Grammar, patterns: readonly Rule[]): Rule[] {
  return patterns.flatMap((rule) => {
    const one = rule.include === undefined ? rule : grammar.repository[rule.include.slice(1)]!;
    return one.match === undefined && one.begin === undefined ? expand(grammar, one.patterns ?? []) : [one];
  });
}

const compiled = new Map<string, RegExp>();

function execute(pattern: string, line: string, at: number): RegExpExecArray | null {
  let regexp = compiled.get(pattern);
  if (regexp === undefined) compiled.set(pattern, (regexp = new RegExp(pattern, "dgmu")));
  regexp.lastIndex = at;
  return regexp.exec(line);
}

function paint(
  here: (readonly string[])[],
  match: RegExpExecArray,
  scopes: readonly string[],
  captures: Captures | undefined,
): void {
  here.fill(scopes, match.index, match.index + match[0].length);
  for (const [number, { name }] of Object.entries(captures ?? {})) {
    const span = match.indices![Number(number)];
    if (span === undefined) continue;
    const inner = scopes.concat(name);
    for (let at = span[0]; at < span[1]; at++) here[at] = inner;
  }
}
