/** Text of strangers made harmless to look at: nothing invisible, nothing that turns its surroundings around, no markup. */

/** Characters that are shown of one value. */
const MOST = 300;

/**
 * Control and format characters, bidirectional overrides among them, and halves of surrogate pairs become U+FFFD; what is
 * longer than `most` characters is cut, with an ellipsis. White space stays a blank, so that a value is one line.
 */
export function visible(text: string, most = MOST): string {
  const cut = text.length > most;
  let shown = "";
  for (const point of cut ? text.slice(0, most) : text) shown += visiblePoint(point);
  return cut ? `${shown}…` : shown;
}

function visiblePoint(point: string): string {
  if (/[\t\n\r\p{Zs}]/u.test(point)) return " ";
  return /[\p{C}\p{Zl}\p{Zp}]|\u034f|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0/u.test(point) ? "\ufffd" : point;
}

/** For HTML, as text or as the value of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
