/** The units as files: one for each daemon of the program, with one sandbox, as small as systemd-analyze asks for. Starts none. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "bun:test";
import { root } from "../../../cli/commands.ts";
import { daemonsOf } from "../../../commands/check/daemons.ts";
import { needing } from "../../support/needs.ts";
import { UNITS } from "../../support/own-systemd.ts";
import { run } from "../../support/program.ts";

/** Of 10; of a unit with privileges its own figure, which it states. */
const MOST_EXPOSED = 2;
const PRIVILEGED: Record<string, string> = {
  "portail-tproxy@.service": "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_SYS_PTRACE CAP_DAC_READ_SEARCH",
};

const read = (name: string) => readFileSync(join(UNITS, name), "utf8");
const services = readdirSync(UNITS).filter((name) => name.endsWith("@.service"));
const all = [
  ...services,
  ...readdirSync(join(UNITS, "user"))
    .filter((name) => name.endsWith(".service"))
    .map((name) => `user/${name}`),
];

/** The values of a setting, in order. */
function settings(name: string, key: string): string[] {
  return read(name)
    .split("\n")
    .flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

describe("each daemon", async () => {
  const daemons = await daemonsOf(root);

  test("has a unit, and each unit a daemon", () => {
    const started = services.flatMap((name) => settings(name, "ExecStart")).map((line) => line.split(" --config ")[0]);
    expect(started.toSorted()).toEqual(daemons.map(({ path }) => `/usr/bin/portail ${path.join(" ")}`).toSorted());
  });

  test.each(all)("is checked before a reload, with the file that it was started with: %s", (name) => {
    const [start] = settings(name, "ExecStart");
    const [, words, file] = /^\/usr\/bin\/portail (.+) --config (\S+)$/.exec(start!)!;
    const folder = basename(name).replace(/^portail-(.*)@\.service$/, "$1");
    const own = name.startsWith("user/");
    const top = own ? "%E" : "/etc";
    const env = own ? "" : "/usr/bin/env CREDENTIALS_DIRECTORY=/proc/${MAINPID}/root%d ";
    expect(file).toBe(`${top}/portail/${folder}/%i.toml`);
    expect(settings(name, "ExecReload")).toEqual([
      `${env}/usr/bin/portail check --for ${words!.replaceAll(" ", "-")} ${file}`,
      "/bin/kill -HUP $MAINPID",
    ]);
    expect(settings(name, "Type")).toEqual(["notify"]);
    expect(settings(name, "WatchdogSec")).toEqual(["30s"]);
    const socket = name.replace(".service", ".socket");
    // What captures connections listens by itself.
    if (folder === "tproxy") expect(existsSync(join(UNITS, socket))).toBe(false);
    else expect(settings(socket, "FileDescriptorName")).toEqual(["listen"]);
  });

  test("is in the same sandbox", () => {
    const sandboxes = services.map((name) => /\nNoNewPrivileges=yes\n[^]*?\n\n/.exec(read(name))?.[0]);
    expect(sandboxes[0]).toContain("SystemCallFilter=");
    expect(new Set(sandboxes).size).toBe(1);
  });

  test.each(services)("has the privileges that it needs, and no others: %s", (name) => {
    const needed = PRIVILEGED[name];
    expect(settings(name, "CapabilityBoundingSet")).toEqual([needed ?? ""]);
    expect(settings(name, "AmbientCapabilities")).toEqual(needed === undefined ? [] : [needed]);
  });
});

needing("systemd finds the surface of units small", ["systemd-analyze"], () => {
  test.each(all)("%s", async (name) => {
    const { stdout, stderr } = await run([
      "systemd-analyze",
      "security",
      "--no-pager",
      "--offline=yes",
      join(UNITS, name),
    ]);
    expect(stderr).toBe("");
    const exposed = Number(/Overall exposure level for \S+: ([0-9.]+) /.exec(stdout)?.[1]);
    expect(exposed).toBeGreaterThan(0);
    if (PRIVILEGED[name] === undefined) expect(exposed).toBeLessThanOrEqual(MOST_EXPOSED);
    else expect(read(name)).toContain(`\n# systemd-analyze security gives ${exposed}, more than for the other units`);
  });

  test("which it does not of a service without a sandbox", async () => {
    const bare = read(services[0]!).replace(/\nDynamicUser[^]*?\n\[Install\]/, "\n[Install]");
    const { stdout } = await run(
      [
        "sh",
        "-euc",
        'd=$(mktemp -d); trap "rm -r $d" EXIT; cat > $d/bare.service; systemd-analyze security --no-pager --offline=yes $d/bare.service',
      ],
      { stdin: bare },
    );
    expect(Number(/: ([0-9.]+) /.exec(stdout.split("Overall")[1]!)?.[1])).toBeGreaterThan(MOST_EXPOSED);
  });
});
