/** systemd as process 1 of a machine of its own drives the units as they are shipped, under their sandbox: sockets, start, reload, watchdog, stop. */
import { beforeAll, expect, test } from "bun:test";
import { basename } from "node:path";
import { allowLocal } from "../../support/access-proxy.ts";
import { leaveOut } from "../../support/needs.ts";
import { OwnSystemd, SYSTEMD_PEERS } from "../../support/own-systemd.ts";
import { authority } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const PAGE = "the page of a service that knows no TLS";
const WEB = 8000;
/** The user `games` of Debian, who has nothing to do otherwise. */
const GAMES = 5;
/** Milliseconds for the start of a machine, with the build of the program. */
const PATIENCE = 60_000;

const ca = authority();
const server = ca.issue({ cn: "server" });
const client = ca.issue({ cn: "client" });
const OWN = 'cert = "credential:cert"\nkey = "credential:key"\ncacert = "/etc/portail/ca.pem"\n';
const LISTEN = 'listen = "systemd:listen"\n';
/** Whom the tunnel server lets in. */
const lets = (cn: string) => `policy some { when client.cn == "${cn}" action allow }\n`;

const FILES = {
  "/srv/index.html": PAGE,
  "/etc/systemd/system/web.service": `[Service]\nExecStart=/usr/bin/python3 -m http.server ${WEB} --bind 127.0.0.1 --directory /srv\n`,
  // What an operator may write, so that nobody waits for half a minute.
  "/etc/systemd/system/portail-.service.d/watchdog.conf": "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n",
  "/etc/portail/ca.pem": ca.cert,
  "/etc/portail/tunnel-server/web.toml": `${LISTEN}target = "localhost:${WEB}"\nshutdown-timeout = "500ms"\nacl = "/etc/portail/tunnel-server/web.acl"\n${OWN}`,
  "/etc/portail/tunnel-server/web.acl": lets("client"),
  "/etc/credstore/portail-tunnel-server-web.pem": server.chain,
  "/etc/credstore/portail-tunnel-server-web.key": server.key,
  "/etc/portail/tunnel-client/web.toml": `${LISTEN}target = "localhost:8443"\n${OWN}`,
  "/etc/credstore/portail-tunnel-client-web.pem": client.chain,
  "/etc/credstore/portail-tunnel-client-web.key": client.key,
  "/etc/portail/socks/web.toml": `${LISTEN}acl = "web.acl"\naudit = "/var/log/portail/socks/web/audit.jsonl"\nstatus = "unix:/run/portail/socks/web/status"\n`,
  "/etc/portail/socks/web.acl": allowLocal(WEB),
  "/etc/portail/mux/web.toml": `${LISTEN}cert = "credential:cert"\nkey = "credential:key"\n[[route]]\nname = "web"\nserver-name = "localhost"\nterminate = true\ntarget = "localhost:${WEB}"\n`,
  "/etc/credstore/portail-mux-web.pem": server.chain,
  "/etc/credstore/portail-mux-web.key": server.key,
  "/etc/portail/mux-forward/web.toml": `${LISTEN}server = "localhost:443"\ncacert = "/etc/portail/ca.pem"\n`,
  "/etc/portail/s3crypt/web.toml": `${LISTEN}upstream-url = "http://localhost:${WEB}/"\nkeyring-file = "credential:keyring"\npassword-file = "credential:password"\n`,
  "/etc/portail/tproxy/web.toml": `${OWN}audit = "/var/log/portail/tproxy/web/audit.jsonl"\n[[rule]]\nname = "web.example"\naddress = "198.18.0.1"\nport-map = "80:8443"\ntarget = "localhost"\noverride-server-name = "localhost"\nuser = "games"\n`,
  "/etc/credstore/portail-tproxy-web.pem": client.chain,
  "/etc/credstore/portail-tproxy-web.key": client.key,
  // A user's systemd, without the login that would start it.
  "/etc/systemd/system/session.service": [
    "[Service]",
    "Type=notify",
    "User=games",
    "Delegate=yes",
    "KillMode=mixed",
    `RuntimeDirectory=user/${GAMES}`,
    `Environment=HOME=/home/ann XDG_RUNTIME_DIR=/run/user/${GAMES}`,
    "ExecStart=/lib/systemd/systemd --user\n",
  ].join("\n"),
  "/home/ann/.config/portail/tunnel-client/web.toml": `${LISTEN}target = "localhost:8443"\ncert = "own.pem"\nkey = "own.key"\ncacert = "/etc/portail/ca.pem"\n`,
  "/home/ann/.config/portail/tunnel-client/own.pem": client.chain,
  "/home/ann/.config/portail/tunnel-client/own.key": client.key,
};

/** A connection that says nothing. */
const HOLD = `import socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("/run/portail-tunnel-client-web.sock")
time.sleep(600)`;

/** How a client comes to the page through a daemon. */
const WAYS: Record<string, readonly string[]> = {
  "tunnel-client": ["--unix-socket", "/run/portail-tunnel-client-web.sock"],
  socks: ["--proxy", "socks5h://127.0.0.1:1080"],
  "mux-forward": ["--unix-socket", "/run/portail-mux-forward-web.sock"],
};
/** Those that a client starts, through another where it takes two. */
const DAEMONS = ["tunnel-server", "tunnel-client", "socks", "mux", "mux-forward", "s3crypt"];
/** CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN and CAP_SYS_PTRACE (capabilities(7)). */
const CAPTURING = ((1 << 2) | (1 << 10) | (1 << 12) | (1 << 19)).toString(16).padStart(16, "0");
const unit = (daemon: string) => `portail-${daemon}@web.service`;

const needs = [...SYSTEMD_PEERS, "curl", "ip", "nft", "openssl", "python3", "systemd-analyze"];

if (process.getuid!() === 0) scenario(import.meta.file, needs, tell, ["binary"]);
else leaveOut(basename(import.meta.file, ".test.ts").replaceAll("-", " "), ["root"]);

function tell({ scene, portail }: Parameters<Parameters<typeof scenario>[2]>[0]): void {
  let machine: OwnSystemd;

  beforeAll(async () => {
    machine = await OwnSystemd.open(scene, { binary: portail.command[0]!, files: FILES });
    await script(`cd /etc/credstore; portail s3crypt keys init --keyring-file portail-s3crypt-web.keyring > portail-s3crypt-web.pass
      chmod 600 *; chown -R games: /home/ann`);
    await machine.systemctl("start", "web.service");
    await until("the web server", async () => (await ask([])) === PAGE);
  }, PATIENCE);

  async function script(text: string): Promise<string> {
    const { status, stdout, stderr } = await machine.run(["sh", "-euc", text]);
    if (status !== 0) throw new Error(`${text}: ${stderr}`);
    return stdout;
  }

  /** What curl gets, or how it fails. */
  async function ask(way: readonly string[], url = `http://localhost:${WEB}/`): Promise<string> {
    const { status, stdout } = await machine.run(["curl", "--silent", "--max-time", "20", ...way, url]);
    return status === 0 ? stdout : `curl: ${status}`;
  }

  const put = (path: string, text: string) => script(`cat > ${path} <<'EOF'\n${text}EOF`);
  const journal = async (name: string) =>
    script(`journalctl --sync; journalctl --output=cat --no-pager --unit ${name}`);
  const mainPid = async (daemon: string) => Number(await machine.show(unit(daemon), "MainPID"));

  test("systemd finds nothing wrong with the units", async () => {
    const sockets = DAEMONS.flatMap((daemon) => [`portail-${daemon}@.service`, `portail-${daemon}@.socket`]);
    const names = [...sockets, "portail-tproxy@.service"];
    const silent = { status: 0, stdout: "", stderr: "" };
    expect(await machine.run(["systemd-analyze", "verify", ...names])).toEqual(silent);
    await put("/run/systemd/system/typo.service", "[Service]\nExecStart=/usr/bin/portail\nTyp=notify\n");
    expect((await machine.run(["systemd-analyze", "verify", "typo.service"])).stderr).toContain("Unknown key 'Typ'");
  });

  test("the first client starts each daemon through its socket", async () => {
    for (const daemon of DAEMONS) await machine.systemctl("start", `portail-${daemon}@web.socket`);
    for (const daemon of DAEMONS) expect(await machine.show(unit(daemon), "ActiveState")).toBe("inactive");
    for (const way of Object.values(WAYS)) expect(await ask(way)).toBe(PAGE);
    expect(await ask([], "http://127.0.0.1:4444/ping")).not.toStartWith("curl:");
    for (const daemon of DAEMONS) expect(await machine.show(unit(daemon), "ActiveState")).toBe("active");
  });

  test("none of them has privileges, or sees the keys of another", async () => {
    for (const daemon of DAEMONS) {
      const pid = await mainPid(daemon);
      const status = await script(`cat /proc/${pid}/status`);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
      expect(uid).toBeGreaterThan(1000);
      // Inside its mounts, as its user.
      const inside = ["nsenter", "-t", String(pid), "-m", "setpriv", `--reuid=${uid}`, "--clear-groups", "sh", "-c"];
      const { stdout } = await machine.run([
        ...inside,
        "cat /etc/credstore/* 2>&- | wc -c; touch /etc/portail/x /var/lib/x /usr/x 2>&- || echo read-only; ls -d /home/* /dev/kmsg 2>&-",
      ]);
      expect(stdout).toBe("0\nread-only\n");
    }
    expect(await script("cat /var/log/portail/socks/web/audit.jsonl")).toContain('"decision":"allow"');
    expect(await ask(["--unix-socket", "/run/portail/socks/web/status"], "http://x/_status")).toContain('"ok":true');
  });

  test("a reload takes up a new policy, and refuses a broken one before it is in force", async () => {
    const policies = {
      socks: ["/etc/portail/socks/web.acl", allowLocal(1), allowLocal(WEB)],
      "tunnel-server": ["/etc/portail/tunnel-server/web.acl", lets("nobody"), lets("client")],
    } as const;
    const ways = { socks: WAYS["socks"]!, "tunnel-server": WAYS["tunnel-client"]! };
    for (const daemon of ["socks", "tunnel-server"] as const) {
      const [path, closed, open] = policies[daemon];
      const before = await mainPid(daemon);
      await put(path, closed);
      await machine.systemctl("reload", unit(daemon));
      await until(`${daemon} to deny`, async () => (await ask(ways[daemon])).startsWith("curl:"));
      await put(path, open);
      await machine.systemctl("reload", unit(daemon));
      await until(`${daemon} to allow`, async () => (await ask(ways[daemon])) === PAGE);
      await put(path, "policy broken {\n");
      const { status } = await machine.run(["systemctl", "reload", unit(daemon)]);
      expect(status).not.toBe(0);
      const said = await journal(unit(daemon));
      expect(said).toContain(`portail check: the policy`);
      // It was never asked to take it.
      expect(said).not.toContain("the reload failed");
      expect(await ask(ways[daemon])).toBe(PAGE);
      expect(await mainPid(daemon)).toBe(before);
      await put(path, open);
    }
  });

  test("the watchdog is fed, and kills those that hang; their clients wait for the next", async () => {
    const daemons = ["socks", "tunnel-server", "tunnel-client"];
    const hung = new Map<string, number>();
    for (const daemon of daemons) {
      const fed = () => machine.show(unit(daemon), "WatchdogTimestampMonotonic");
      const first = await fed();
      await until(`${daemon} to feed the watchdog`, async () => (await fed()) !== first);
      expect(await machine.show(unit(daemon), "NRestarts")).toBe("0");
      hung.set(daemon, await mainPid(daemon));
    }
    await script(`kill -STOP ${[...hung.values()].join(" ")}`);
    expect(await Promise.all([ask(WAYS["socks"]!), ask(WAYS["tunnel-client"]!)])).toEqual([PAGE, PAGE]);
    for (const daemon of daemons) {
      expect(await machine.show(unit(daemon), "NRestarts")).toBe("1");
      expect(await mainPid(daemon)).not.toBe(hung.get(daemon)!);
      expect(await journal(unit(daemon))).toContain("Watchdog timeout (limit 3s)!");
    }
  });

  test("programs of this machine are captured with four privileges, also after a kill and a new firewall", async () => {
    const service = unit("tproxy");
    await script(`ip link add one type veth peer name two; ip link set one up; ip link set two up
      ip address add 192.0.2.1/24 dev one; ip route add default dev one`);
    const asGames = ["setpriv", "--reuid=games", "--regid=games", "--clear-groups"];
    const curl = ["curl", "--silent", "--max-time", "20", "http://198.18.0.1/"];
    const asked = async () => (await machine.run([...asGames, ...curl])).stdout;
    const tables = async () => (await machine.run(["nft", "list", "tables"])).stdout;
    await machine.systemctl("start", service);
    expect(await asked()).toBe(PAGE);
    expect((await machine.run(curl)).stdout).toBe("");
    const first = await mainPid("tproxy");
    const status = await script(`cat /proc/${first}/status`);
    for (const set of ["Bnd", "Eff", "Amb"]) expect(status).toMatch(new RegExp(`^Cap${set}:\\t${CAPTURING}$`, "m"));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    const lines = (await script("cat /var/log/portail/tproxy/web/audit.jsonl")).trim().split("\n");
    const sessions = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "session");
    const program = (user: string) => ({ user, executable: "/usr/bin/curl" });
    expect(sessions).toMatchObject([
      { decision: "allow", program: program("games"), upstream: { subject: "CN=server" } },
      { decision: "deny", program: program("root"), reason: "no_rule" },
    ]);
    await machine.systemctl("reload", service);
    expect(await mainPid("tproxy")).toBe(first);
    await script(`kill -KILL ${first}`);
    expect(await tables()).toBe("table inet portail\n");
    await until("the next", async () => (await asked()) === PAGE);
    const second = await mainPid("tproxy");
    expect(second).not.toBe(first);
    await machine.systemctl("restart", "nftables.service");
    await until("one after the new firewall", async () => (await asked()) === PAGE);
    expect(await mainPid("tproxy")).not.toBe(second);
    await machine.systemctl("stop", service);
    expect(await tables()).not.toContain("portail");
    expect(await machine.show(service, "ActiveState")).toBe("inactive");
  });

  test("a mistake in the configuration ends the service for good, and says why", async () => {
    await put("/etc/portail/socks/wrong.toml", 'lisen = "127.0.0.1:1081"\n');
    const { status } = await machine.run(["systemctl", "start", "portail-socks@wrong.service"]);
    expect(status).not.toBe(0);
    expect(await machine.show("portail-socks@wrong.service", "ActiveState")).toBe("failed");
    expect(await machine.show("portail-socks@wrong.service", "NRestarts")).toBe("0");
    expect(await journal("portail-socks@wrong.service")).toContain('did you mean "listen"?');
  });

  test("a user's own systemd runs the unit for laptops", async () => {
    await machine.systemctl("start", "session.service");
    const asUser = (...command: string[]) =>
      machine.run(["setpriv", "--reuid=games", "--regid=games", "--clear-groups", ...command], {
        env: { XDG_RUNTIME_DIR: `/run/user/${GAMES}`, HOME: "/home/ann" },
      });
    const silent = { status: 0, stdout: "", stderr: "" };
    const name = "portail-tunnel-client@web";
    expect(await asUser("systemctl", "--user", "start", `${name}.socket`)).toEqual(silent);
    expect(await ask(["--unix-socket", `/run/user/${GAMES}/portail-tunnel-client-web.sock`])).toBe(PAGE);
    expect(await asUser("systemctl", "--user", "reload", `${name}.service`)).toEqual(silent);
    expect(await asUser("systemd-analyze", "--user", "verify", `${name}.service`, `${name}.socket`)).toEqual(silent);
    expect(await asUser("systemctl", "--user", "stop", `${name}.socket`, `${name}.service`)).toEqual(silent);
    await machine.systemctl("stop", "session.service");
  });

  test("all stop when they are told to, also with a connection that does not end, and leave nothing running", async () => {
    const carried = async () => (await journal(unit("tunnel-server"))).split("opening pipe").length;
    const before = await carried();
    await script(`python3 -c '${HOLD}' > /dev/null 2>&1 &`);
    await until("the connection to be carried", async () => (await carried()) > before);
    for (const daemon of DAEMONS) {
      const pid = await mainPid(daemon);
      await machine.systemctl("stop", `portail-${daemon}@web.socket`);
      await machine.systemctl("stop", unit(daemon));
      // Not "failed", which it would be for a status other than 0, but for the one of connections that were cut.
      expect(await machine.show(unit(daemon), "ActiveState")).toBe("inactive");
      expect((await machine.run(["kill", "-0", String(pid)])).status).not.toBe(0);
    }
    expect(await journal(unit("tunnel-server"))).toContain("the shutdown timeout is over cut=1");
  });
}
