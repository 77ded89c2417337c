/** ghostunnel's groups of TLS 1.2 suites, in OpenSSL's names. TLS 1.3 has its own, which are fixed. */
import { usage } from "../../lib/command/argv.ts";

const GROUPS: Record<string, readonly string[] | undefined> = {
  AES: [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
  ],
  CHACHA: ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  /** CBC, which some managed databases of the past ask for. */
  "UNSAFE-AZURE": ["ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA"],
};

/** `AES,CHACHA` as a list for the TLS library. Throws `PortailError` for a group that is unknown, or unsafe and not asked for. */
export function cipherList(text: string, unsafe: boolean): string {
  const names = text.split(",").map((name) => name.trim());
  const suites = names.flatMap((name) => {
    const group = Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined;
    if (group === undefined)
      throw usage(
        "usage.value",
        `--cipher-suites: there is no group ${JSON.stringify(name)}`,
        "use AES, CHACHA or both",
      );
    if (name.startsWith("UNSAFE") && !unsafe)
      throw usage(
        "tunnel.unsafe_ciphers",
        `--cipher-suites: ${name} is not safe`,
        "say --allow-unsafe-cipher-suites as well",
      );
    return group;
  });
  return suites.join(":");
}
