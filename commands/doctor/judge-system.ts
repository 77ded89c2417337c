/** Findings about capturing connections, namespaces and the service manager. Reads nothing. */
import type { FirewallFacts, NamespaceFacts, RightsFacts, SystemdFacts } from "./facts.ts";
import { DAEMONS, type Finding } from "./finding.ts";

/** The first version of systemd that the units are made for, and that which waits for the end of a reload. */
const UNITS = 252;
const AWAITED_RELOAD = 253;

/** What `tproxy run` captures with: the right, then the ways. */
export function judgeCapture(rights: RightsFacts | undefined, firewall: FirewallFacts): Finding[] {
  const about = { topic: "capture", commands: ["tproxy"] } as const;
  const right: Finding = rights?.netAdmin
    ? { code: "capture.allowed", state: "ok", text: "there is CAP_NET_ADMIN", means: "tproxy may capture", ...about }
    : {
        code: "capture.not_allowed",
        state: "note",
        text: "no CAP_NET_ADMIN",
        means: "tproxy may not capture",
        advice: "start as root, or by a unit with AmbientCapabilities=CAP_NET_ADMIN; `tproxy exec` takes no such right",
        ...about,
        stops: ["tproxy"],
      };
  return [right, judgeFirewall(firewall)];
}

function judgeFirewall({ nft, table, ip }: FirewallFacts): Finding {
  const about = { topic: "nft", commands: ["tproxy"] } as const;
  const instead = ip
    ? { means: "tproxy cannot redirect, but may capture with --mode anyip" }
    : { means: "tproxy cannot capture: ip, for --mode anyip, is not there either", stops: ["tproxy"] as const };
  if (nft === undefined) {
    const advice = "install the package nftables";
    return { code: "nft.missing", state: "note", text: "the program nft is not there", advice, ...instead, ...about };
  }
  const text = `nft ${nft.version}, ${nft.path}`;
  if (table === "taken")
    return { code: "nft.taken", state: "ok", text, means: "the kernel takes a table as tproxy's", ...about };
  if (table === "unasked") {
    const means = "whether the kernel takes a table is not known: asking takes CAP_NET_ADMIN";
    return { code: "nft.unasked", state: "note", text, means, ...about };
  }
  return {
    code: "nft.refused",
    state: "warn",
    text: `${text}: the kernel refuses a table as tproxy's: ${JSON.stringify(table.refused)}`,
    advice: "the kernel needs nf_tables with NAT of the family inet (Linux 5.2), in this network namespace",
    ...instead,
    ...about,
  };
}

export function judgeNamespaces({ state, error, forbidding }: NamespaceFacts): Finding {
  const about = { topic: "namespaces", commands: ["tproxy-exec"] } as const;
  if (state === "works") {
    const text = "a program can have files of its own";
    return { code: "namespaces.work", state: "ok", text, means: "`tproxy exec` can lead it", ...about };
  }
  const means = "`tproxy exec` cannot lead a program";
  if (state === "missing") {
    const [text, advice] = ["the program unshare is not there", "install the package util-linux"];
    return { code: "namespaces.no_unshare", state: "note", text, means, advice, ...about, stops: ["tproxy-exec"] };
  }
  const settings = forbidding.join(" and ");
  return {
    code: "namespaces.refused",
    state: "note",
    text: `the system refuses user namespaces: ${JSON.stringify(error)}`,
    means,
    advice:
      settings === "" ? "a container may forbid them, or a security module: allow them there" : `it is for ${settings}`,
    ...about,
    stops: ["tproxy-exec"],
  };
}

export function judgeSystemd(facts: SystemdFacts): Finding[] {
  return [judgeManager(facts), ...judgeNotify(facts), ...judgeSockets(facts)];
}

function judgeManager({ running, version, journal }: SystemdFacts): Finding {
  const about = { topic: "systemd", commands: DAEMONS };
  if (!running) {
    return {
      code: "systemd.absent",
      state: "note",
      text: "systemd does not run this machine",
      means: "there are no units, no socket activation and no journal",
      advice: "run daemons under what does: they stay in the foreground, drain on SIGTERM and reload on SIGHUP",
      ...about,
    };
  }
  if (version !== undefined && version < UNITS) {
    return {
      code: "systemd.old",
      state: "note",
      text: `systemd ${version}`,
      means: `the units are made for ${UNITS} and later`,
      advice: "try the units with `systemd-analyze verify`, and take out what it does not know",
      ...about,
    };
  }
  const reload = version !== undefined && version >= AWAITED_RELOAD ? "units may be notify-reload" : "units work";
  return {
    code: "systemd.running",
    state: "ok",
    text: version === undefined ? "systemd, of an unknown version" : `systemd ${version}`,
    means: `${reload}, ${journal ? "--audit journald: has a journal" : "but there is no journal"}`,
    ...about,
  };
}

function judgeNotify({ notify }: SystemdFacts): Finding[] {
  const about = { topic: "notify", commands: DAEMONS };
  if (notify === "none") return [];
  if (notify === "there") {
    const text = "NOTIFY_SOCKET is set";
    return [{ code: "systemd.notify", state: "ok", text, means: "who started this is told how it is", ...about }];
  }
  return [
    {
      code: "systemd.notify_gone",
      state: "warn",
      text: "NOTIFY_SOCKET names a socket that is not there",
      means: "nobody is told how a daemon is, and a unit with Type=notify would never be up",
      advice: "let the sandbox see the socket, or unset the variable",
      ...about,
    },
  ];
}

function judgeSockets({ sockets, misdirected }: SystemdFacts): Finding[] {
  const about = { topic: "sockets", commands: DAEMONS };
  if (sockets.length > 0) {
    const text = `${sockets.length} passed: ${sockets.map((name) => JSON.stringify(name)).join(", ")}`;
    return [{ code: "systemd.sockets", state: "ok", text, means: "--listen systemd:NAME takes one", ...about }];
  }
  if (!misdirected) return [];
  return [
    {
      code: "systemd.sockets_of_another",
      state: "warn",
      text: "LISTEN_FDS is set, but LISTEN_PID is another process",
      means: "--listen systemd:NAME would find no socket",
      advice: "have the unit start portail itself, without a shell between: or `exec` it there",
      ...about,
    },
  ];
}
