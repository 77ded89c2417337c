/** Users of the system by name and by id: getpwnam(3), getpwuid(3), which ask whatever nsswitch.conf names and may take their time. */
import { CString, read, type Pointer } from "bun:ffi";
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  getpwnam: { args: ["ptr"], returns: "ptr" },
  getpwuid: { args: ["u32"], returns: "ptr" },
} as const;

/** Of `pw_uid` in a `struct passwd`, behind two pointers (Linux on x64 and arm64). */
const UID = 16;

let opened: ReturnType<typeof open>;

/** The id of the user called `name`; undefined where there is none, or no C library to ask. */
export function userId(name: string): number | undefined {
  const entry = (opened ??= open())?.getpwnam(Buffer.from(`${name}\0`)) ?? null;
  return entry === null ? undefined : read.u32(entry as Pointer, UID);
}

/** The name of the user with that id. */
export function userName(uid: number): string | undefined {
  const entry = (opened ??= open())?.getpwuid(uid) ?? null;
  if (entry === null) return undefined;
  return new CString(read.ptr(entry as Pointer, 0) as Pointer).toString();
}

function open() {
  return openLibc(SYMBOLS);
}
