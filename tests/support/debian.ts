/** A Debian repository of one tiny package, and an apt of its own that knows nothing else. Changes nothing of this machine. */
import { createHash } from "node:crypto";
import { run, type Outcome } from "./program.ts";
import type { Scene } from "./scene.ts";

export const PACKAGE = "tiny-e2e";

/** Builds the package; answers a route for `openWeb`, which serves it under `/debian/`. */
export async function debianRoute(scene: Scene) {
  const control = { Package: PACKAGE, Version: "1.0", Architecture: "all", Maintainer: "Test <test@e2e.example>" };
  const fields = Object.entries({ ...control, Description: "tiny" }).map(([name, value]) => `${name}: ${value}\n`);
  scene.write("deb/DEBIAN/control", fields.join(""));
  const built = await run(["dpkg-deb", "--build", "--root-owner-group", scene.path("deb"), scene.path("tiny.deb")]);
  if (built.status !== 0) throw new Error(built.stderr);
  const deb = await Bun.file(scene.path("tiny.deb")).bytes();
  const packages = `${fields.join("")}Filename: ./tiny.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n\n`;
  const size = Buffer.byteLength(packages);
  const release = `Date: ${new Date().toUTCString()}\nSHA256:\n ${sha256(Buffer.from(packages))} ${size} Packages\n`;
  const files: Record<string, string | Uint8Array<ArrayBuffer> | undefined> = {
    "/debian/Release": release,
    "/debian/Packages": packages,
    "/debian/tiny.deb": deb,
  };
  return (_request: Request, url: URL) => {
    const file = files[url.pathname];
    return file === undefined ? undefined : new Response(file);
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Runs `apt-get` with state, cache and sources under `name`, through `proxy`. */
export function aptGet(scene: Scene, name: string, source: string, proxy: string, args: string[]): Promise<Outcome> {
  const root = scene.mkdir(name);
  for (const folder of ["state/lists/partial", "cache/archives/partial", "etc", "down"])
    scene.mkdir(`${name}/${folder}`);
  scene.write(`${name}/state/status`, "");
  const settings = {
    "Dir::State": `${root}/state`,
    "Dir::State::status": `${root}/state/status`,
    "Dir::Cache": `${root}/cache`,
    "Dir::Etc": `${root}/etc`,
    "Dir::Etc::parts": "-",
    "Dir::Etc::sourcelist": scene.write(`${name}/etc/sources.list`, `deb [trusted=yes] ${source} ./\n`),
    "Dir::Log": `${root}/log`,
    "APT::Sandbox::User": "",
    "Acquire::Languages": "none",
    "Acquire::Retries": "0",
    "Acquire::http::Proxy": proxy,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)};\n`);
  const file = scene.write(`${name}/etc/apt.conf`, lines.join(""));
  return run(["apt-get", "--quiet", ...args], { cwd: `${root}/down`, env: { APT_CONFIG: file } });
}
