/** A policy with findings. Not a test. */

/** An error, a warning that can be fixed, and a note that can be fixed. */
export const POLICY = `policy web {
  when port == 443 and host == "A.test" and port == 443
  action allow
}
policy web_again {
  when port == 443 and host == "a.test" and client.cn == "c" and client.cn == "d"
  action allow
}
`;
