/** The bill of materials of a binary, as CycloneDX 1.5: what the lock file says of everything that is compiled in. Pure. */

import { createHash } from "node:crypto";

export interface Locked {
  version: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  dependencies?: Record<string, string>;
}

export interface SbomSource {
  name: string;
  version: string;
  license: string;
  /** `packages` of package-lock.json. */
  packages: Record<string, Locked>;
  dependencies: readonly string[];
  /** Seconds since 1970. */
  epoch: number;
}

const MODULES = "node_modules/";
/** The runtime is a development dependency, and yet most of every binary. */
const RUNTIME = "bun";

/** The text of the document; the same source gives the same text. */
export function sbom({ name, version, license, packages, dependencies, epoch }: SbomSource): string {
  const entries = Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && (dev !== true || path === MODULES + RUNTIME))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const refs = new Map(entries.map(([path, locked]) => [nameOf(path), purl(nameOf(path), locked.version)]));
  const refOf = (dependency: string): string => {
    const ref = refs.get(dependency);
    if (ref === undefined) throw new Error(`the lock file lacks ${dependency}`);
    return ref;
  };
  const components = entries.map(([path, locked]) => component(nameOf(path), locked));
  const own = purl(name, version);
  const graph = entries.map(([path, locked]) => ({
    ref: purl(nameOf(path), locked.version),
    dependsOn: Object.keys(locked.dependencies ?? {})
      .map(refOf)
      .toSorted(),
  }));
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: { type: "application", "bom-ref": own, name, version, ...licensed(license), purl: own },
    },
    components,
    dependencies: [{ ref: own, dependsOn: [RUNTIME, ...dependencies].map(refOf).toSorted() }, ...graph],
  };
  const { bomFormat, ...rest } = document;
  return `${JSON.stringify({ bomFormat, serialNumber: serialNumber(JSON.stringify(document)), ...rest }, null, 2)}\n`;
}

function component(name: string, { version, integrity, license }: Locked) {
  const sha512 = integrity?.match(/^sha512-(.+)$/)?.[1];
  if (sha512 === undefined || license === undefined)
    throw new Error(`the lock file has no digest or licence of ${name}`);
  return {
    type: name === RUNTIME ? "platform" : "library",
    "bom-ref": purl(name, version),
    name,
    version,
    hashes: [{ alg: "SHA-512", content: Buffer.from(sha512, "base64").toString("hex") }],
    ...licensed(license),
    purl: purl(name, version),
  };
}

function licensed(id: string) {
  return { licenses: [{ license: { id } }] };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(MODULES) + MODULES.length);
}

/** The `@` of a scope is escaped in a package URL. */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** A UUID of version 8, which is free to be a digest. */
function serialNumber(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}
