/** Findings about ports, limits, addresses and the clock. Reads nothing. */
import type { ClockFacts, Facts, LimitFacts, RightsFacts } from "./facts.ts";
import { COMMANDS, DAEMONS, SPEAKING_TLS, type Finding } from "./finding.ts";

/** The lowest port that a daemon is likely to be asked to listen at. */
const LOWEST = 80;
/** Relayed connections for which a server has room as a rule. */
const TUNNELS = 4096;
/** What the runtime asks the kernel for, of each listener. */
const BACKLOG = 512;
/** Of ports of our own, half of what the kernel has by default. */
const OWN_PORTS = 14_000;
/** Milliseconds: time zones in file systems and slow installations are not to be mistaken for a wrong clock. */
const DAY = 86_400_000;

export function judgePorts(rights: RightsFacts | undefined, { firstPort }: LimitFacts): Finding[] {
  if (rights === undefined || firstPort === undefined) return [];
  const about = { topic: "ports", commands: DAEMONS };
  if (rights.netBindService || firstPort <= LOWEST)
    return [
      {
        code: "ports.all",
        state: "ok",
        text: rights.netBindService ? "there is CAP_NET_BIND_SERVICE" : `ports from ${firstPort} are free to all`,
        means: "--listen :443 is possible",
        ...about,
      },
    ];
  return [
    {
      code: "ports.privileged",
      state: "note",
      text: `no CAP_NET_BIND_SERVICE, and only ports from ${firstPort} are free to all`,
      means: "--listen :443 would be refused",
      advice:
        "take the socket from systemd (--listen systemd:NAME), give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or " +
        "lower the sysctl net.ipv4.ip_unprivileged_port_start",
      ...about,
    },
  ];
}

export function judgeLimits({ openFiles, backlog, ownPorts }: LimitFacts): Finding[] {
  const findings: Finding[] = [];
  if (openFiles !== undefined) findings.push(judgeOpenFiles(openFiles));
  if (backlog !== undefined) findings.push(judgeBacklog(backlog));
  if (ownPorts !== undefined) findings.push(judgeOwnPorts(ownPorts));
  return findings;
}

function judgeOpenFiles({ soft, hard, tunnels }: NonNullable<LimitFacts["openFiles"]>): Finding {
  const few = tunnels < TUNNELS;
  return {
    code: few ? "limits.few_open_files" : "limits.open_files",
    state: few ? "note" : "ok",
    topic: "open files",
    text: hard > soft ? `${count(soft)}, at most ${count(hard)}` : count(soft),
    means: `room for ${count(tunnels)} relayed connections at a time`,
    ...(few && { advice: "raise the limit: LimitNOFILE= in a unit, `ulimit -n` in a shell" }),
    commands: SPEAKING_TLS,
  };
}

function judgeBacklog(backlog: number): Finding {
  const few = backlog < BACKLOG;
  return {
    code: few ? "limits.short_backlog" : "limits.backlog",
    state: few ? "note" : "ok",
    topic: "backlog",
    text: `${count(backlog)} (net.core.somaxconn)`,
    means: "so many connections of one listener may wait to be accepted",
    ...(few && { advice: `raise the sysctl net.core.somaxconn to ${BACKLOG} or more` }),
    commands: DAEMONS,
  };
}

function judgeOwnPorts([first, last]: readonly [number, number]): Finding {
  const ports = last - first + 1;
  const few = ports < OWN_PORTS;
  return {
    code: few ? "limits.few_own_ports" : "limits.own_ports",
    state: few ? "note" : "ok",
    topic: "own ports",
    text: `${first} to ${last}`,
    means: `${count(ports)} connections at a time from one address to one port of an upstream`,
    ...(few && { advice: "widen the sysctl net.ipv4.ip_local_port_range" }),
    commands: SPEAKING_TLS,
  };
}

export function judgeIpv6(ipv6: Facts["ipv6"]): Finding {
  const about = { topic: "IPv6", commands: SPEAKING_TLS };
  if (ipv6 === "network")
    return {
      code: "ipv6.network",
      state: "ok",
      text: "there are addresses",
      means: "both families are used",
      ...about,
    };
  if (ipv6 === "loopback")
    return {
      code: "ipv6.loopback",
      state: "note",
      text: "loopback only",
      means: "upstreams are reached by IPv4",
      ...about,
    };
  return {
    code: "ipv6.none",
    state: "note",
    text: "none",
    means: "all is IPv4: [::1] cannot be listened at",
    ...about,
  };
}

export function judgeClock({ now, written, kernel }: ClockFacts): Finding {
  const about = { topic: "clock", commands: COMMANDS };
  if (written !== undefined && now < written - DAY) {
    return {
      code: "clock.behind",
      state: "warn",
      text: `it is ${date(now)} by the clock, but this program was written on ${date(written)}`,
      means: "certificates and signatures are judged by a wrong date",
      advice: "set the clock",
      ...about,
    };
  }
  if (kernel === undefined) {
    const means = "certificates and signed requests are judged by it";
    return { code: "clock.unknown", state: "note", text: "nothing is known of it", means, ...about };
  }
  if (!kernel.synchronised) {
    return {
      code: "clock.unsynchronised",
      state: "note",
      text: "nobody keeps it, as far as the kernel knows",
      means: "certificates fail that have just been issued, and S3 requests whose signer is 15 minutes away",
      advice: "run chrony or systemd-timesyncd here, or on the host of this machine",
      ...about,
    };
  }
  const text = `synchronised, within ${count(Math.ceil(kernel.error))} ms`;
  return {
    code: "clock.synchronised",
    state: "ok",
    text,
    means: "certificates are judged by the right time",
    ...about,
  };
}

const count = (value: number): string => value.toLocaleString("en-US");
const date = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);
