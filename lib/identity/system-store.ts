/** The certificates that the system trusts, where programs on Linux look for them. Asks for no particular one. */
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXIT, PortailError } from "../command/errors.ts";
import { sortMaterial } from "./material.ts";
import type { SourceFiles } from "./source-files.ts";

/** Bundles of Debian, Fedora, OpenSUSE, Alpine and others; the first that exists is taken. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const FOLDERS = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/**
 * `SSL_CERT_FILE` and the folders of `SSL_CERT_DIR` (colon between them) if one of them is set, nothing else then; or
 * the first of the usual bundles; or the usual folders. A certificate that cannot be read is left out, but the file that
 * `SSL_CERT_FILE` names must be there. Throws `PortailError` where no certificate is found.
 */
export function readSystemStore(files: SourceFiles): X509Certificate[] {
  const file = files.env["SSL_CERT_FILE"] || undefined;
  const folders = files.env["SSL_CERT_DIR"] || undefined;
  const chosen = file !== undefined || folders !== undefined;
  const bundle = chosen ? file : BUNDLES.find((path) => existsSync(path));
  const searched = folders?.split(":").filter((path) => path !== "") ?? (chosen || bundle !== undefined ? [] : FOLDERS);
  const certs = [
    ...(bundle === undefined ? [] : parse(files.read(bundle, "cacert"), bundle)),
    ...searched.flatMap((folder) => readFolder(folder, files)),
  ];
  if (certs.length > 0) return certs;
  const where = [...(bundle === undefined ? [] : [bundle]), ...searched].map((path) => JSON.stringify(path)).join(", ");
  throw new PortailError(`the system has no trusted certificate in ${where}`, {
    code: "identity.no_system_trust",
    exit: EXIT.noInput,
    hint: "give the authority's certificate as --cacert, or install the package ca-certificates",
  });
}

/** What is no regular file, or none that can be read, is left out. */
function readFolder(folder: string, files: SourceFiles): X509Certificate[] {
  return pathsIn(folder).flatMap((path) => {
    try {
      return statSync(path).isFile() ? parse(files.read(path, "cacert"), path) : [];
    } catch {
      return [];
    }
  });
}

function pathsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).toSorted();
    return names.map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function parse(bytes: Uint8Array, path: string): X509Certificate[] {
  return sortMaterial(bytes, path, "cacert").certs.flatMap((der) => {
    try {
      return [new X509Certificate(der)];
    } catch {
      return [];
    }
  });
}
