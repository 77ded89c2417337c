/** What is on the machine of a reader before a page is read: an authority that everybody trusts, web servers, certificates. Asserts nothing. */
import { authority, opensslBytes, type CertOptions } from "../pki.ts";
import type { Reader } from "./reader.ts";

/** Where the programs of the system look for authorities. */
const TRUSTED = "/etc/ssl/certs/ca-certificates.crt";

export const CA = () => authority("The world");

/** Makes the system trust the authority of everything here. */
export async function trustWorld(reader: Reader): Promise<void> {
  await reader.must(["sh", "-c", `cat >> ${TRUSTED}`], { stdin: CA().cert });
}

/** Writes that authority's certificate, PEM. */
export async function trustFile(reader: Reader, name: string): Promise<void> {
  await reader.write(name, CA().cert);
}

/** Writes a keystore, PKCS#12, without a password. */
export async function keystore(reader: Reader, name: string, options: CertOptions): Promise<void> {
  const { chain, key } = CA().issue(options);
  await reader.write(name, opensslBytes(["pkcs12", "-export", "-passout", "pass:"], `${key}${chain}`), "600");
}

/** Writes certificate and key, PEM, under these names, or both into one file. */
export async function identity(reader: Reader, files: readonly string[], options: CertOptions): Promise<void> {
  const { chain, key } = CA().issue(options);
  const [cert, keyFile] = files as [string, string?];
  await reader.write(cert, keyFile === undefined ? `${key}${chain}` : chain, "600");
  if (keyFile !== undefined) await reader.write(keyFile, key, "600");
}

/** Lines of `http` for nginx, which it serves from a folder of the scene until the page is read. */
export async function nginx(reader: Reader, name: string, http: string): Promise<void> {
  const folder = reader.scene.mkdir(`nginx-${name}`);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${kind};`);
  const config = reader.scene.write(
    `nginx-${name}/nginx.conf`,
    `daemon off; master_process off; pid pid; events {}\nhttp { ${paths.join(" ")} access_log off; client_max_body_size 0; ${http} }\n`,
  );
  await reader.serve(["nginx", "-e", "stderr", "-p", folder, "-c", config]);
}

/** The web, as far as the page knows it: each name answers over HTTP and HTTPS, with a certificate that the system trusts. */
export async function openWebOf(reader: Reader, hosts: Readonly<Record<string, string>>): Promise<void> {
  await reader.names(hosts);
  await trustWorld(reader);
  const servers = await Promise.all(
    Object.entries(hosts).map(async ([name, address]) => {
      const [cert, key] = [reader.scene.path(`${name}.pem`), reader.scene.path(`${name}.key`)];
      await identity(reader, [cert, key], { cn: name, san: [`DNS:${name}`] });
      return `server { listen ${address}:80; listen ${address}:443 ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
        location / { default_type text/plain; return 200 "hello from $host\\n"; } }`;
    }),
  );
  await nginx(reader, "web", servers.join("\n"));
}
