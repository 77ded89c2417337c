/** A verifier for `portail tproxy --verifier`: takes servers whose certificate names a place that belongs to the name that was asked for. */
import type { Verify } from "../../lib/identity/verifier.ts";

/** What a server may be called instead of by its own name: `db.example.com` may be `db-7.internal.example.com`. */
const INSTANCES = /^(?<service>[a-z]+)-\d+\.internal\.example\.com$/;
/** Of the program that must speak to databases in this way only. */
const ONLY = "/usr/bin/psql";

const verify: Verify = ({ names, serverName, facts }) => {
  const [service] = serverName.split(".");
  if (service === "db" && facts["client.executable"] !== ONLY) return { refuse: `only ${ONLY} may reach databases` };
  // The usual check of the name decides, unless one of the names is an instance of the service.
  return names.dns.some((name) => INSTANCES.exec(name)?.groups?.["service"] === service) ? "accept" : "check";
};

export default verify;
