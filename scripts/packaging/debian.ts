/** The Debian package: program, units, completions, man pages. Needs dpkg-deb; runs nothing of the package. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { pack, Tree } from "./tree.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOC = "usr/share/doc/portail";

export interface DebianOptions {
  program: string;
  architecture: string;
  version: string;
  /** Seconds since 1970. */
  epoch: number;
  /** A folder to work in, not there yet. */
  scratch: string;
  outfile: string;
}

export function packDebian(options: DebianOptions): void {
  const { program, version, epoch, scratch, outfile } = options;
  const tree = new Tree(scratch);
  tree.link(program, "usr/bin/portail");
  addUnits(tree);
  addShell(tree);
  addDocuments(tree, version, epoch);
  const installed = filesOf(scratch);
  const digests = installed.map((path) => `${digest(join(scratch, path))}  ${path}\n`);
  const kib = installed.reduce((sum, path) => sum + Math.ceil(Bun.file(join(scratch, path)).size / 1024), 0);
  tree.write("DEBIAN/control", control(options, kib));
  tree.write("DEBIAN/md5sums", digests.join(""));
  for (const script of readdirSync(join(ROOT, "packaging/debian/scripts"))) {
    tree.copy(join(ROOT, "packaging/debian/scripts", script), `DEBIAN/${script}`, 0o755);
  }
  tree.settle(epoch);
  // xz saves a sixth of the size, and takes ten times as long.
  pack(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", scratch, outfile], epoch, scratch);
}

function control({ version, architecture }: DebianOptions, kib: number): string {
  const template = readFileSync(join(ROOT, "packaging/debian/control"), "utf8");
  const values: Record<string, string> = { version, architecture, size: String(kib) };
  return template.replace(/\$\{(\w+)\}/g, (_, name: string) => values[name]!);
}

function addUnits(tree: Tree): void {
  const units = join(ROOT, "packaging/systemd");
  const isUnit = (name: string) => /\.(?:service|socket)$/.test(name);
  for (const [from, to] of [
    [units, "system"],
    [join(units, "user"), "user"],
  ] as const) {
    for (const name of listed(from).filter(isUnit)) tree.copy(join(from, name), `usr/lib/systemd/${to}/${name}`);
  }
  for (const name of listed(units).filter((file) => /\.(?:conf|md)$/.test(file))) {
    tree.copy(join(units, name), `${DOC}/systemd/${name}`);
  }
}

function addShell(tree: Tree): void {
  const completions = join(ROOT, "completions");
  tree.copy(join(completions, "bash/portail"), "usr/share/bash-completion/completions/portail");
  tree.copy(join(completions, "zsh/_portail"), "usr/share/zsh/vendor-completions/_portail");
  tree.copy(join(completions, "fish/portail.fish"), "usr/share/fish/vendor_completions.d/portail.fish");
  const pages = join(completions, "man");
  for (const section of listed(pages)) {
    for (const page of listed(join(pages, section))) {
      tree.gzip(join(pages, section, page), `usr/share/man/${section}/${page}`);
    }
  }
}

function addDocuments(tree: Tree, version: string, epoch: number): void {
  const entry = `portail (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n`;
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const changelog = `${entry} -- The portail authors <portail@portail.invalid>  ${date}\n`;
  tree.gzip(Buffer.from(changelog), `${DOC}/changelog`);
  tree.gzip(join(ROOT, "CHANGELOG.md"), `${DOC}/CHANGELOG.md`);
  tree.copy(join(ROOT, "README.md"), `${DOC}/README.md`);
  tree.copy(join(ROOT, "SECURITY.md"), `${DOC}/SECURITY.md`);
  tree.copy(join(ROOT, "packaging/debian/copyright"), `${DOC}/copyright`);
  tree.copy(join(ROOT, "packaging/debian/lintian-overrides"), "usr/share/lintian/overrides/portail");
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function filesOf(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1)).toSorted();
}

function digest(path: string): string {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}
