/** The policy of `builtin:sample`: enough to try the access proxy on one machine. Not a recommendation for a network. */

export const BUILTIN_SAMPLE = "builtin:sample";

export const SAMPLE_POLICY = `# The sample policy of portail: for a proxy on this machine, used by people of this machine.
# The first policy whose clauses are all true decides. What no policy allows is denied.

# Domains that nobody gets, with everything below them. A set can also come from a file:
#   set blocked = hosts "blocklist.hosts"
set blocked = ["blocked.example", "tracker.example"]

# Denials come first: an allow above them would win.
policy no_blocked {
  when host under blocked
  action deny
}

# Services of this machine. Loopback addresses are guarded: only a comparison with
# dest.ip that names them lets anybody in, and a name that resolves to 127.0.0.1 is no way around.
policy local_services {
  when dest.ip in [127.0.0.0/8, ::1] and port >= 1024
  action allow
}

# The web, and git or a shell over ssh. Addresses inside private networks stay closed,
# since this policy names neither them nor a host.
policy web_and_ssh {
  when port in [80, 443, 22]
  action allow
}

test "the web is open, but for blocked domains" {
  given { command = "socks" port = 443 dest.ip = 203.0.113.7 }
  case { host = "example.com" } expect allow by web_and_ssh
  case { host = "www.blocked.example" } expect deny by no_blocked
}

test "a local service is open, a privileged port is not" {
  given { command = "socks" host = "127.0.0.1" dest.ip = 127.0.0.1 }
  case { port = 8080 } expect allow by local_services
  case { port = 25 } expect deny by default
}
`;
