/** The npm packages: one with a program for each machine, and `portail`, which starts the one that npm chose. Publishes nothing. */

import { join, resolve } from "node:path";
import { programName, type Target } from "./target.ts";
import { pack, Tree } from "./tree.ts";

const ROOT = resolve(import.meta.dir, "../..");

export interface NpmOptions {
  version: string;
  license: string;
  description: string;
  /** Seconds since 1970. */
  epoch: number;
  /** A folder to work in. */
  scratch: string;
  /** Where the packages go. */
  folder: string;
}

/** The package of one machine; its file's name. */
export function packPlatform(target: Target, program: string, options: NpmOptions): string {
  const { version, license } = options;
  const name = packageName(target);
  const manifest = { name, version, description: `portail for ${target.name}`, license, ...target.npm };
  return packFiles(manifest, options, (tree) => tree.link(program, `bin/${programName(target)}`));
}

/** The package that people name; npm installs of `targets` what fits the machine. */
export function packLauncher(targets: readonly Target[], options: NpmOptions): string {
  const { version, license, description } = options;
  const optionalDependencies = Object.fromEntries(targets.map((target) => [packageName(target), version]));
  const bin = { portail: "bin/portail.mjs" };
  const engines = { node: ">=20" };
  const manifest = { name: "portail", version, description, license, bin, engines, optionalDependencies };
  return packFiles(manifest, options, (tree) => {
    tree.copy(join(ROOT, "packaging/npm/launch.mjs"), "bin/portail.mjs", 0o755);
    for (const name of ["README.md", "CHANGELOG.md", "SECURITY.md"]) tree.copy(join(ROOT, name), name);
  });
}

function packageName({ name }: Target): string {
  return `portail-${name}`;
}

/** As `npm pack` lays it out, but with the time of the sources and no owner. */
function packFiles(
  manifest: { name: string; version: string },
  { epoch, scratch, folder }: NpmOptions,
  fill: (tree: Tree) => void,
): string {
  const work = join(scratch, manifest.name);
  const tree = new Tree(join(work, "package"));
  tree.write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  tree.copy(join(ROOT, "LICENSE"), "LICENSE");
  fill(tree);
  tree.settle(epoch);
  const name = `npm-${manifest.name}-${manifest.version}.tgz`;
  const fixed = ["--sort=name", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${epoch}`];
  pack(["tar", ...fixed, "--use-compress-program=gzip -6n", "-cf", join(folder, name), "package"], epoch, work);
  return name;
}
