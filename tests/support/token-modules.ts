/** PKCS#11 modules as nobody would want them, written in C: they crash, or take their time. Loads none. */
import { dirname, join } from "node:path";
import { environment } from "./program.ts";
import type { Folder } from "./softhsm.ts";

/** A function list of 68 calls, of which those that are not named here are CKR_FUNCTION_NOT_SUPPORTED. */
const LIST = `
typedef unsigned long (*call)();
static unsigned long not_supported() { return 0x54; }
static unsigned long fine() { return 0; }
static unsigned long none(unsigned long slot, unsigned long *list, unsigned long *count) { *count = 0; return 0; }
static unsigned long crash() { *(volatile int *)0 = 1; return 0; }
static struct { unsigned char version[8]; call calls[68]; } list;
__attribute__((constructor)) static void prepare(void) {
  int i;
  if (CRASH_AT == 0) crash();
  for (i = 0; i < 68; i++) list.calls[i] = not_supported;
  list.version[0] = 2; list.version[1] = 40;
  list.calls[0] = fine; list.calls[1] = fine; list.calls[2] = fine;
  list.calls[4] = CRASH_AT == 4 ? crash : not_supported;
  list.calls[7] = none;
}
unsigned long C_GetFunctionList(void **out) { *out = &list; return 0; }
`;

/** The path of one that crashes when it is loaded, or when it is asked for its slots; it has no slot. */
export function brokenModule(scene: Folder, at: "load" | "slots"): string {
  return compile(scene, `crashes-at-${at}`, LIST, [`-DCRASH_AT=${at === "load" ? 0 : 4}`]);
}

interface Manners {
  /** Milliseconds that a signature takes. */
  signing?: number;
  /** A file to which each login adds a byte. */
  logins?: string;
  /** Set among the flags of each token (CK_TOKEN_INFO). */
  flags?: number;
  /** Variables that the module is to find in its environment. */
  env?: Readonly<Record<string, string>>;
  /** While this file is there, each call for a signature says that the session is gone. */
  lost?: string;
}

/** The path of one that passes all calls on to the module at `path`, but for its manners. */
export function mannered(scene: Folder, path: string, manners: Manners): string {
  const { signing = 0, logins = "", flags = 0, lost = "", env = {} } = manners;
  const variables = Object.entries(env).map(([name, value]) => `setenv("${name}", "${value}", 1);`);
  const source = `
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef unsigned long (*call)();
static struct { unsigned char version[8]; call calls[68]; } list, real;
static unsigned long token_info(unsigned long slot, unsigned char *info) {
  unsigned long rv = real.calls[6](slot, info);
  if (rv == 0) *(unsigned long *)(info + 96) |= ${flags}UL;
  return rv;
}
static unsigned long login(unsigned long a, unsigned long b, void *c, unsigned long d) {
  int fd = open("${logins}", O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd >= 0) { write(fd, ".", 1); close(fd); }
  return real.calls[18](a, b, c, d);
}
static unsigned long sign_init(unsigned long a, void *b, unsigned long c) {
  if (access("${lost}", F_OK) == 0) { unlink("${lost}"); real.calls[13](a); return 0xb3; }
  return real.calls[42](a, b, c);
}
static unsigned long sign(unsigned long a, void *b, unsigned long c, void *d, void *e) {
  usleep(${signing} * 1000);
  return real.calls[43](a, b, c, d, e);
}
unsigned long C_GetFunctionList(void **out) {
  void *found;
  ${variables.join(" ")}
  unsigned long (*get)(void **) = dlsym(dlopen("${path}", RTLD_NOW), "C_GetFunctionList");
  unsigned long rv = get(&found);
  memcpy(&list, found, sizeof list);
  real = list;
  list.calls[6] = token_info; list.calls[18] = login; list.calls[42] = sign_init; list.calls[43] = sign;
  *out = &list;
  return rv;
}
`;
  return compile(scene, `mannered-${++count}`, source, ["-ldl"]);
}

let count = 0;

function compile(scene: Folder, name: string, source: string, flags: readonly string[]): string {
  const file = scene.write(`${name}.c`, source);
  const built = join(dirname(file), `${name}.so`);
  const command = ["g++", "-x", "c", "-w", "-shared", "-fPIC", file, "-o", built, ...flags];
  const { exitCode, stderr } = Bun.spawnSync(command, { env: environment(), stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return built;
}
