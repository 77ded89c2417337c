/** Patterns of `--allow-uri` and `--verify-uri`, as ghostunnel's users write them: segments, `*` and a final `**`. Not regular expressions. */

export interface UriPattern {
  readonly text: string;
  /** Linear in the length of the URI. */
  matches(uri: string): boolean;
}

/**
 * Compiles a pattern, or says in half a sentence why it is none. A pattern is cut at its slashes: `*` alone in a segment
 * stands for one segment that is not empty, `**` as the last segment for any number of further ones, none included, and
 * every other segment for itself. One slash more at the end of the URI makes no difference.
 */
export function compileUriPattern(
  text: string,
): { pattern: UriPattern; error?: undefined } | { pattern?: undefined; error: string } {
  if (text === "") return { error: "the pattern is empty" };
  const segments = text.split("/");
  const isOpen = segments.at(-1) === "**";
  if (isOpen) segments.pop();
  if (segments.includes("**")) return { error: '"**" can only be the last segment' };
  if (segments.some((segment) => segment !== "*" && segment.includes("*")))
    return { error: '"*" can only be a whole segment, between two slashes' };
  return { pattern: { text, matches: (uri) => matchesSegments(segments, isOpen, uri) } };
}

function matchesSegments(segments: readonly string[], isOpen: boolean, uri: string): boolean {
  let at = 0;
  for (const segment of segments) {
    // Behind the last slash there is one more segment, be it empty; behind that there is nothing.
    if (at > uri.length) return false;
    const slash = uri.indexOf("/", at);
    const end = slash === -1 ? uri.length : slash;
    if (segment === "*" ? end === at : end - at !== segment.length || !uri.startsWith(segment, at)) return false;
    at = end + 1;
  }
  // One further segment may be there if it is empty: then `at` is the end itself.
  return isOpen || at >= uri.length;
}
