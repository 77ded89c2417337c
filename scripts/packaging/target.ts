/** The machines that packages are made for. Knows no file. */

export interface Target {
  /** In names of files and packages. */
  name: string;
  /** Package of the runtime within the scope `@oven`, which is the compiler's name of the target as well. */
  runtime: string;
  /** The architecture as Debian calls it, where there is a Debian package. */
  debian?: string;
  /** What npm compares with the machine. */
  npm: { os: string[]; cpu: string[]; libc?: string[] };
}

/** Those that tests never run are named in packaging/README.md. */
export const TARGETS: readonly Target[] = [
  linux("linux-x64", "bun-linux-x64", "x64", "glibc", "amd64"),
  linux("linux-arm64", "bun-linux-aarch64", "arm64", "glibc", "arm64"),
  linux("linux-x64-musl", "bun-linux-x64-musl", "x64", "musl"),
  linux("linux-arm64-musl", "bun-linux-aarch64-musl", "arm64", "musl"),
  { name: "darwin-x64", runtime: "bun-darwin-x64", npm: { os: ["darwin"], cpu: ["x64"] } },
  { name: "darwin-arm64", runtime: "bun-darwin-aarch64", npm: { os: ["darwin"], cpu: ["arm64"] } },
  { name: "windows-x64", runtime: "bun-windows-x64", npm: { os: ["win32"], cpu: ["x64"] } },
];

/** Name of the program on the target. */
export function programName({ npm }: Target): string {
  return npm.os.includes("win32") ? "portail.exe" : "portail";
}

function linux(name: string, runtime: string, cpu: string, libc: string, debian?: string): Target {
  return { name, runtime, npm: { os: ["linux"], cpu: [cpu], libc: [libc] }, ...(debian !== undefined && { debian }) };
}
