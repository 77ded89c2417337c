/** A line of samples as an inline SVG. */
import { html, Html } from "./html.ts";

/** Of the drawing; the page stretches it. */
const HEIGHT = 30;
/** A past that has hardly begun does not fill it. */
const LEAST = 12;

/**
 * `samples` oldest first, the newest at the right edge, of `length` that there might be; from zero to the largest, with
 * the area below shaded if it is `filled`. `label` says the same in words.
 */
export function sparkline(samples: readonly number[], length: number, label: string, filled: boolean): Html {
  const width = Math.max(length, LEAST) - 1;
  const left = width + 1 - samples.length;
  const path = pathOf(samples, left);
  const shade = path === "" || !filled ? "" : `<path class="shade" d="${path}V${HEIGHT}H${left}z"/>`;
  const line = path === "" ? "" : `<path d="${path}"/>`;
  const box = `viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none"`;
  return html`<svg class="spark" ${new Html(box)} role="img" aria-label="${label}">${new Html(shade + line)}</svg>`;
}

/** Whole steps; a stretch without a change is one of them. */
function pathOf(samples: readonly number[], left: number): string {
  if (samples.length < 2) return "";
  const top = Math.max(...samples);
  const heights = samples.map((sample) => HEIGHT - 1 - (top === 0 ? 0 : Math.round((sample / top) * (HEIGHT - 2))));
  let path = `M${left} ${heights[0]}`;
  let flat = 0;
  const goOn = () => {
    if (flat > 0) path += `h${flat}`;
    flat = 0;
  };
  for (let i = 1; i < heights.length; i++) {
    const step = heights[i]! - heights[i - 1]!;
    if (step === 0) flat++;
    else {
      goOn();
      path += `l1 ${step}`;
    }
  }
  goOn();
  return path;
}
