/** `portail tproxy dns --state`: whoever ends it, and how often, a name keeps its address and no address gets another name. */
import { expect, test } from "bun:test";
import { dnsQuery, parseDns } from "../../support/dns-message.ts";
import { run, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["kdig", "prlimit"], ({ scene, portail }) => {
  const state = scene.path("names");

  async function begin(file = state, prefix: string[] = []): Promise<{ program: Program; port: string }> {
    const names = ["--match", "**.mapped.example", "--range", "198.18.0.0/20", "--state", file];
    const program = portail.start(["tproxy", "dns", "--listen", "127.0.0.1:0", ...names], {}, prefix);
    const [, port] = await program.output("stderr", /answering on 127\.0\.0\.1:(\d+)/);
    return { program, port: port! };
  }

  /** One kdig with many questions. */
  async function ask(port: string, names: readonly string[]): Promise<string[]> {
    const { stdout } = await run([
      "kdig",
      "@127.0.0.1",
      "-p",
      port,
      "+short",
      "+timeout=5",
      ...names.flatMap((name) => [name, "A"]),
    ]);
    return stdout.trim().split("\n");
  }

  /** Sends many questions at once, ends the process in their midst, and answers what came back. */
  async function askAndEnd(port: string, names: readonly string[], end: () => unknown): Promise<Map<string, string>> {
    const socket = await udpSocket();
    scene.defer(() => socket.close());
    const came = new Map<string, string>();
    let last = false;
    socket.on("message", (message) => {
      if (message.toString() === "last") {
        last = true;
        return;
      }
      const { questions, answers } = parseDns(message);
      if (answers[0] !== undefined) came.set(questions[0]!.name, answers[0].data.join("."));
    });
    for (const name of names) socket.send(dnsQuery(name), Number(port), "127.0.0.1");
    await until("some answers", () => came.size > 20);
    await end();
    // What it sent before its end stands before this.
    await until("the last datagram", () => {
      socket.send("last", socket.address().port, "127.0.0.1");
      return last;
    });
    return came;
  }

  test("killed in the midst of questions, and stopped", async () => {
    const known = new Map<string, string>();
    const owners = new Map<string, string>();
    const take = (name: string, address: string) => {
      expect(known.get(name) ?? address, name).toBe(address);
      expect(owners.get(address) ?? name, address).toBe(name);
      known.set(name, address);
      owners.set(address, name);
    };
    for (const round of [0, 1, 2, 3]) {
      const { program, port } = await begin();
      const before = [...known.keys()].slice(-10);
      for (const [i, address] of (await ask(port, ["n0.mapped.example", ...before])).entries())
        take(["n0.mapped.example", ...before][i]!, address);
      const names = Array.from({ length: 300 }, (_, i) => `n${round * 200 + i}.mapped.example`);
      const end = async () => {
        if (round < 3) return program.kill();
        program.signal("SIGTERM");
        expect(await program.ended).toBe(0);
      };
      for (const [name, address] of await askAndEnd(port, names, end)) take(name, address);
    }
    const { program, port } = await begin();
    expect(known.size).toBeGreaterThan(80);
    expect(await ask(port, [...known.keys()])).toEqual([...known.values()]);
    await program.kill();
  });

  test("where the disk is full, what is known is answered, new names are not, and the file stays whole", async () => {
    const file = scene.path("full");
    // Files may have 512 bytes: the write that reaches this is cut, the next one fails.
    const full = await begin(file, ["sh", "-c", `trap "" XFSZ; ulimit -S -f 1; exec "$@"`, "sh"]);
    const names = Array.from({ length: 40 }, (_, i) => `n${i}.mapped.example`);
    const questions = names.flatMap((name) => [name, "A"]);
    const answers = async (port: string) => {
      const { stdout } = await run(["kdig", "@127.0.0.1", "-p", port, "+noall", "+answer", "+header", ...questions]);
      return [...stdout.matchAll(/status: (\w+)|\sA\s+(\S+)$/gm)].flatMap(([, status, address]) =>
        status === "NOERROR" ? [] : [status ?? address!],
      );
    };
    const before = await answers(full.port);
    const known = before.filter((one) => one !== "SERVFAIL");
    expect(known.length).toBeGreaterThan(10);
    expect(known.length).toBeLessThan(30);
    expect(await answers(full.port)).toEqual(before);
    const lines = async () => (await Bun.file(file).text()).split("\n").length - 2;
    expect(await lines()).toBe(known.length);
    expect(await run(["prlimit", "--pid", String(full.program.pid), "--fsize=unlimited:"])).toMatchObject({
      status: 0,
    });
    const after = await answers(full.port);
    expect(after.slice(0, known.length)).toEqual(known);
    expect(new Set(after).size).toBe(names.length);
    expect(await lines()).toBe(names.length);
    await full.program.kill();
    const again = await begin(file);
    expect(await answers(again.port)).toEqual(after);
    await again.program.kill();
  });

  test("one process has the file at a time; other ranges and broken files are refused, and nothing is changed", async () => {
    const { program } = await begin();
    const refused = async (...more: string[]) => {
      const { status, stderr } = await portail.run([
        "tproxy",
        "dns",
        "--listen",
        "127.0.0.1:0",
        "--match",
        "*",
        ...more,
      ]);
      return [status, /\[(\S+)\]/.exec(stderr)?.[1]];
    };
    expect(await refused("--state", state, "--range", "198.18.0.0/20")).toEqual([75, "tproxy.state_busy"]);
    await program.kill();
    const before = await Bun.file(state).text();
    expect(await refused("--state", state, "--range", "198.19.0.0/20")).toEqual([78, "tproxy.state_ranges"]);
    expect(await refused("--state", scene.write("broken", "what?\n"))).toEqual([65, "tproxy.state_broken"]);
    expect(await refused("--state", scene.path("no/folder"))).toEqual([73, "tproxy.state_unwritable"]);
    expect(await Bun.file(state).text()).toBe(before);
  });
});
