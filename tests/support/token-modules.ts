/** PKCS#11 modules as nobody would want them, written in C: they crash, or take their time. Loads none. */
import { dirname, join } from "node:path";
import { environment } from "./program.ts";
import type { Scene } from "./scene.ts";

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
export function brokenModule(scene: Scene, at: "load" | "slots"): string {
  return compile(scene, `crashes-at-${at}`, LIST, [`-DCRASH_AT=${at === "load" ? 0 : 4}`]);
}

/** The path of one that passes all calls on to the module at `path`, and takes `ms` for a signature. */
export function slowModule(scene: Scene, path: string, ms: number): string {
  const source = `
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>
typedef unsigned long (*call)();
static struct { unsigned char version[8]; call calls[68]; } list;
static call real;
static unsigned long slow(unsigned long a, void *b, unsigned long c, void *d, void *e) {
  usleep(${ms} * 1000);
  return real(a, b, c, d, e);
}
unsigned long C_GetFunctionList(void **out) {
  void *found;
  unsigned long (*get)(void **) = dlsym(dlopen("${path}", RTLD_NOW), "C_GetFunctionList");
  unsigned long rv = get(&found);
  memcpy(&list, found, sizeof list);
  real = list.calls[43];
  list.calls[43] = slow;
  *out = &list;
  return rv;
}
`;
  return compile(scene, `slow-${ms}`, source, ["-ldl"]);
}

function compile(scene: Scene, name: string, source: string, flags: readonly string[]): string {
  const file = scene.write(`${name}.c`, source);
  const built = join(dirname(file), `${name}.so`);
  const command = ["g++", "-x", "c", "-w", "-shared", "-fPIC", file, "-o", built, ...flags];
  const { exitCode, stderr } = Bun.spawnSync(command, { env: environment(), stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString());
  return built;
}
