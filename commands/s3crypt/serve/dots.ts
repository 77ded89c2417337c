/** Whether a storage that resolves dots would see another path than is written. Decodes no further than once. */

/** `path` is as on the wire. */
export function hasDots(path: string): boolean {
  return path.split(/\/|\\|%2f|%5c/i).some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}
