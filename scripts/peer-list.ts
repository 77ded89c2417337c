/** The programs that tests and benchmarks drive, and the Debian package of each. Installs nothing. */
import { existsSync } from "node:fs";

/**
 * Package by program, by `PROGRAM:FILE` for a module of the system's own python3 or nginx, or by `lib:FILE` for a library;
 * in alphabetical order.
 */
export const PEERS = {
  age: "age",
  "apt-get": "apt",
  bash: "bash",
  certutil: "libnss3-tools",
  chromium: "chromium",
  curl: "curl",
  danted: "dante-server",
  debootstrap: "debootstrap",
  dnsmasq: "dnsmasq-base",
  "dbus-daemon": "dbus-daemon",
  dnsperf: "dnsperf",
  "dpkg-deb": "dpkg",
  fish: "fish",
  flock: "util-linux",
  "g++": "g++",
  getent: "libc-bin",
  git: "git",
  go: "golang-go",
  gpg: "gpg",
  h2load: "nghttp2-client",
  haproxy: "haproxy",
  hitch: "hitch",
  htpasswd: "apache2-utils",
  ip: "iproute2",
  journalctl: "systemd",
  jq: "jq",
  jsonschema: "python3-jsonschema",
  kdig: "knot-dnsutils",
  kill: "procps",
  "lib:engines-3/pkcs11.so": "libengine-pkcs11-openssl",
  "lib:libsodium.so.23": "libsodium23",
  "lib:libtpm2_pkcs11.so.1": "libtpm2-pkcs11-1",
  "lib:libtss2-tcti-swtpm.so.0": "libtss2-tcti-swtpm0",
  "lib:libtss2-tcti-tabrmd.so.0": "libtss2-tcti-tabrmd0",
  kubectl: "kubernetes-client",
  lintian: "lintian",
  makewhatis: "mandoc",
  man: "man-db",
  mandoc: "mandoc",
  mariadb: "mariadb-client",
  "mariadb-install-db": "mariadb-server",
  mariadbd: "mariadb-server",
  memcached: "memcached",
  microsocks: "microsocks",
  mkfifo: "coreutils",
  "nc.openbsd": "netcat-openbsd",
  ncat: "ncat",
  nft: "nftables",
  nghttp: "nghttp2-client",
  nghttpx: "nghttp2-proxy",
  nginx: "nginx",
  "nginx:ngx_stream_module.so": "libnginx-mod-stream",
  node: "nodejs",
  nsenter: "util-linux",
  openssl: "openssl",
  p11tool: "gnutls-bin",
  patch: "patch",
  pg_createcluster: "postgresql",
  pivot_root: "util-linux",
  pk12util: "libnss3-tools",
  "pkcs11-tool": "opensc",
  prlimit: "util-linux",
  promtool: "prometheus",
  prove: "perl",
  proxychains4: "proxychains4",
  psql: "postgresql-client",
  python3: "python3",
  "python3:awscli": "awscli",
  "python3:boto3": "python3-boto3",
  "python3:botocore": "python3-botocore",
  "python3:cryptography": "python3-cryptography",
  "python3:pip": "python3-pip",
  "python3:prometheus_client": "python3-prometheus-client",
  "python3:socks.py": "python3-socks",
  "python3:websockets": "python3-websockets",
  rclone: "rclone",
  "redis-cli": "redis-tools",
  "redis-server": "redis-server",
  redsocks: "redsocks",
  rsyslogd: "rsyslog",
  s3cmd: "s3cmd",
  setpriv: "util-linux",
  socat: "socat",
  "softhsm2-util": "softhsm2",
  squid: "squid",
  ssh: "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  sslh: "sslh",
  "sslh-select": "sslh",
  strace: "strace",
  stunnel4: "stunnel4",
  "swift-account-server": "swift-account",
  "swift-container-server": "swift-container",
  "swift-object-server": "swift-object",
  "swift-proxy-server": "swift-proxy",
  swtpm: "swtpm",
  systemctl: "systemd",
  "systemd-analyze": "systemd",
  "systemd-notify": "systemd",
  "systemd-socket-activate": "systemd",
  tinyproxy: "tinyproxy-bin",
  tmux: "tmux",
  "tpm2-abrmd": "tpm2-abrmd",
  tpm2_create: "tpm2-tools",
  tpm2_ptool: "libtpm2-pkcs11-tools",
  turnserver: "coturn",
  turnutils_stunclient: "coturn",
  turnutils_uclient: "coturn",
  umount: "mount",
  unshare: "util-linux",
  vim: "vim",
  xmllint: "libxml2-utils",
  zsh: "zsh",
} as const;

/** Where daemons stand that an ordinary user's `PATH` does not name. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where Debian keeps modules (for its own python3, which need not be the one of PATH) and libraries. */
const MODULES: Record<string, readonly string[]> = {
  python3: ["/usr/lib/python3/dist-packages/"],
  nginx: ["/usr/lib/nginx/modules/"],
  lib: ["/usr/lib/x86_64-linux-gnu/", "/usr/lib/aarch64-linux-gnu/"],
};

/** Absolute path of a program, or of a module `PROGRAM:FILE`; or null. */
export function whichPeer(program: string, path = process.env["PATH"] ?? ""): string | null {
  const [host, file] = program.split(":", 2) as [string, string?];
  if (file !== undefined) {
    const modules = (MODULES[host] ?? []).map((folder) => `${folder}${file}`);
    return modules.find((module) => existsSync(module)) ?? null;
  }
  return Bun.which(program, { PATH: [path, ...SYSTEM_FOLDERS].join(":") });
}

/** Packages of the programs that `which` does not find, each once. */
export function missingPackages(which: (program: string) => string | null = whichPeer): string[] {
  const missing = Object.entries(PEERS).filter(([program]) => which(program) === null);
  return [...new Set(missing.map(([, name]) => name))];
}
