/** The certificates of the tunnel benchmark, made by the openssl program: what both sides trust, and what neither may. */
import { join } from "node:path";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";

/** What the client side asks the server's certificate to say. */
export const SERVER_NAME = "localhost";

const PEOPLE = {
  server: { ca: "ca", san: SERVER_NAME },
  client: { ca: "ca", san: "client.example" },
  /** By the right authority, for another name. */
  misnamed: { ca: "ca", san: "other.example" },
  /** For the right name, by another authority. */
  stranger: { ca: "other-ca", san: SERVER_NAME },
} as const;

export type Person = keyof typeof PEOPLE;

/** Writes `NAME.pem`, `NAME.key` and both in `NAME-both.pem` for everyone, and `ca.pem`. All keys are ECDSA P-256. */
export async function writeMaterial(dir: string): Promise<void> {
  for (const ca of ["ca", "other-ca"]) {
    openssl(dir, [...request(ca), "-addext", "basicConstraints=critical,CA:TRUE"]);
  }
  for (const [name, { ca, san }] of Object.entries(PEOPLE)) {
    const issuer = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key`];
    openssl(dir, [...request(name), ...issuer, "-addext", `subjectAltName=DNS:${san}`]);
    const parts = [`${name}.pem`, `${name}.key`].map((file) => Bun.file(join(dir, file)).text());
    await Bun.write(join(dir, `${name}-both.pem`), (await Promise.all(parts)).join(""));
  }
}

/** A self-signed certificate of a new key, unless an issuer follows. */
function request(name: string): string[] {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
  return ["req", "-x509", "-sha256", "-days", "30", "-subj", `/CN=${name}`, ...key, "-out", `${name}.pem`];
}

function openssl(dir: string, args: string[]): void {
  const { success, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: dir, stdout: "ignore" });
  if (success) return;
  throw new PortailError(`openssl cannot make a certificate: ${stderr.toString().trim().slice(-300)}`, {
    code: "bench.openssl",
    exit: EXIT.unavailable,
  });
}
