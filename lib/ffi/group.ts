/** Groups of the system by name: getgrnam(3), which asks whatever nsswitch.conf names and may take its time. */
import { read, type Pointer } from "bun:ffi";
import { openLibc } from "./libc.ts";

const SYMBOLS = { getgrnam: { args: ["ptr"], returns: "ptr" } } as const;

/** Of `gr_gid` in a `struct group`, behind two pointers (Linux on x64 and arm64). */
const GID = 16;

let opened: ReturnType<typeof open>;

/** The id of the group called `name`; undefined where there is none, or no C library to ask. */
export function groupId(name: string): number | undefined {
  opened ??= open();
  const entry = opened?.getgrnam(Buffer.from(`${name}\0`)) ?? null;
  return entry === null ? undefined : read.u32(entry as Pointer, GID);
}

function open() {
  return openLibc(SYMBOLS);
}
