/** SPIFFE IDs: what is one (SPIFFE-ID, sections 2.1 to 2.3), and when a certificate carries one. Fetches none. */

/** The standard has implementations write no longer ones. */
const LONGEST = 2048;
const LONGEST_TRUST_DOMAIN = 255;

/** Whether the text is a SPIFFE ID of a workload: `spiffe://trust-domain/path`, in the one spelling that the standard allows. */
export function isSpiffeId(text: string): boolean {
  const scheme = "spiffe://";
  // The scheme is without regard to case in URIs; as in the standard's own libraries, only one spelling is taken.
  if (text.length > LONGEST || !text.startsWith(scheme)) return false;
  const [trustDomain, ...path] = text.slice(scheme.length).split("/");
  if (!isSegment(trustDomain!, false) || trustDomain!.length > LONGEST_TRUST_DOMAIN) return false;
  // Leaves have a path that is not the root (X509-SVID, section 3.1); signing certificates authenticate nobody.
  return path.length > 0 && path.every((segment) => isSegment(segment, true) && segment !== "." && segment !== "..");
}

/** Letters, digits, dot, dash and underscore, at least one; capitals where they are allowed. */
function isSegment(text: string, capitals: boolean): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const small = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
    const capital = code >= 0x41 && code <= 0x5a;
    if (!small && !(capitals && capital) && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return text !== "";
}
