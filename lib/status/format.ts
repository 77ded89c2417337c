/** Numbers, sizes, durations and times as people read them on a page. */

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** E.g. `1.4 MiB`, of which three digits count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${digits(value)} ${SIZES[unit]}`;
}

/** E.g. `12,345`; of less than a hundred, what is behind the point too. */
export function formatCount(value: number): string {
  return Number.isInteger(value) || value >= 100 ? Math.round(value).toLocaleString("en-US") : digits(value);
}

function digits(value: number): string {
  if (Number.isInteger(value) || value >= 100) return String(Math.round(value));
  if (value > 0 && value < 0.1) return "<0.1";
  return value.toFixed(value < 10 ? 1 : 0);
}

const STEPS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** The two largest units of so many seconds, e.g. `2 h 5 min`; below a second `0 s`. */
export function formatAge(seconds: number): string {
  const first = STEPS.findIndex(([, length]) => seconds >= length);
  if (first === -1) return "0 s";
  const [unit, length] = STEPS[first]!;
  const [smaller, part] = STEPS[first + 1] ?? [];
  const rest = part === undefined ? 0 : Math.floor((seconds % length) / part);
  return `${Math.floor(seconds / length)} ${unit}${rest === 0 ? "" : ` ${rest} ${smaller}`}`;
}

/** To the minute, e.g. `2026-05-17 08:30 UTC`. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
