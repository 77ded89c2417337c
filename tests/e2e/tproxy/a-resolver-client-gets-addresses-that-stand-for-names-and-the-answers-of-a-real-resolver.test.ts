/** `portail tproxy dns` between kdig and dnsmasq: UDP, TCP, EDNS, large, cut and negative answers; names of ours get addresses of ours. */
import { beforeAll, expect, test } from "bun:test";
import { startDnsmasq, type Dnsmasq } from "../../support/dnsmasq.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

/** The status, the flags, and the lines of each section but OPT. */
function parseKdig(text: string) {
  const section = (name: string) => {
    const [, body = ""] = new RegExp(`;; ${name} SECTION:\\n([\\s\\S]*?)\\n(?:\\n|$)`).exec(text) ?? [];
    return body === "" ? [] : body.split("\n").map((line) => line.replaceAll(/\s+/g, " "));
  };
  return {
    status: /status: (\w+)/.exec(text)?.[1],
    flags: /Flags: ([^;]*);/.exec(text)?.[1],
    answers: section("ANSWER"),
    authority: section("AUTHORITY"),
    edns: /EDNS PSEUDOSECTION:\n;; (.*)/.exec(text)?.[1],
    text,
  };
}

scenario(import.meta.file, ["dnsmasq", "kdig"], ({ scene, portail }) => {
  let dnsmasq: Dnsmasq;
  let port: string;
  const long = Array.from({ length: 6 }, (_, i) => `${i}`.repeat(200));
  beforeAll(async () => {
    dnsmasq = await startDnsmasq(scene, [
      "--host-record=real.example,192.0.2.33,2001:db8::33",
      `--txt-record=long.example,${long.join(",")}`,
      "--cname=alias.example,real.example",
      "--mx-host=real.example,mail.example,10",
      "--dns-rr=odd.example,65280,00FFC00C6162",
    ]);
    const names = ["--match", "**.mapped.example", "--map", "fixed.example=127.77.0.1", "--range", "198.18.0.0/15"];
    const places = ["--listen", "127.0.0.1:0", "--upstream", `127.0.0.1:${dnsmasq.port}`];
    const more = ["--range", "fd00:1::/64", "--audit", scene.path("audit.jsonl")];
    const program = portail.start(["tproxy", "dns", ...places, ...names, ...more]);
    [, port] = (await program.output("stderr", /answering on 127\.0\.0\.1:(\d+)/)) as unknown as [string, string];
  });

  const kdig = async (to: string | number, ...question: string[]) => {
    const { stdout, status } = await run([
      "kdig",
      "@127.0.0.1",
      "-p",
      String(to),
      "+timeout=5",
      "+retry=0",
      "+noidn",
      ...question,
    ]);
    expect(status, stdout).toBe(0);
    return parseKdig(stdout);
  };
  const ask = (...question: string[]) => kdig(port, ...question);

  /** With all that differs from one query to the next taken out. */
  const comparable = (text: string) =>
    text
      .replace(/^;; ->>HEADER<<-.*id: \d+$/m, "")
      .replace(/^;; (?:Received|Time|From) .*$/gm, "")
      .trim();

  test.each([["+notcp"], ["+tcp"]])("%s: what dnsmasq answers comes back as it is", async (transport) => {
    const questions = [
      ["real.example", "A"],
      ["real.example", "AAAA"],
      ["ReAl.ExAmPlE", "A"],
      ["real.example", "MX"],
      ["alias.example", "A"],
      ["odd.example", "TYPE65280"],
      ["nobody.example", "A"],
      ["real.example", "SRV"],
      ["long.example", "TXT", "+bufsize=4096"],
      ["long.example", "TXT", "+noedns"],
      ["real.example", "A", "+edns", "+bufsize=1232", "+dnssec", "+nsid"],
      ["version.bind", "CH", "TXT"],
    ];
    for (const question of questions) {
      const [direct, through] = [await kdig(dnsmasq.port, transport, ...question), await ask(transport, ...question)];
      expect(comparable(through.text)).toBe(comparable(direct.text));
    }
  });

  test("large, cut and negative answers are what they should be", async () => {
    const text = `long.example. 0 IN TXT ${long.map((part) => `"${part}"`).join(" ")}`;
    expect((await ask("long.example", "TXT", "+bufsize=4096")).answers).toEqual([text]);
    const cut = await ask("long.example", "TXT", "+bufsize=512", "+ignore");
    expect([cut.flags?.includes("tc"), cut.answers]).toEqual([true, []]);
    // As a client does that is told so: it asks again by TCP.
    expect((await ask("long.example", "TXT", "+noedns")).answers).toEqual([text]);
    expect((await ask("nobody.example", "A")).status).toBe("NXDOMAIN");
    expect(await ask("real.example", "SRV")).toMatchObject({ status: "NOERROR", answers: [] });
    expect((await ask("odd.example", "TYPE65280")).answers).toEqual(["odd.example. 0 IN TYPE65280 \\# 6 00FFC00C6162"]);
  });

  test.each([["+notcp"], ["+tcp"]])(
    "%s: names of ours have addresses of ours, and no other records",
    async (transport) => {
      const before = dnsmasq.queries().length;
      expect(await ask(transport, "db.mapped.example", "A")).toMatchObject({
        status: "NOERROR",
        flags: "qr aa rd ra",
        answers: ["db.mapped.example. 30 IN A 198.18.0.1"],
      });
      expect((await ask(transport, "DB.mapped.EXAMPLE", "AAAA")).answers).toEqual([
        "DB.mapped.EXAMPLE. 30 IN AAAA fd00:1::1",
      ]);
      expect((await ask(transport, "web.mapped.example", "A")).answers).toEqual([
        "web.mapped.example. 30 IN A 198.18.0.2",
      ]);
      expect((await ask(transport, "fixed.example", "A")).answers).toEqual(["fixed.example. 30 IN A 127.77.0.1"]);
      for (const type of ["HTTPS", "SVCB", "MX", "TXT", "CNAME", "DS"]) {
        const { status, answers, authority } = await ask(transport, "db.mapped.example", type);
        expect([status, answers, authority[0]]).toEqual([
          "NOERROR",
          [],
          "db.mapped.example. 30 IN SOA localhost. nobody.invalid. 1 3600 600 86400 30",
        ]);
      }
      expect((await ask(transport, "-x", "198.18.0.1")).answers).toEqual([
        "1.0.18.198.in-addr.arpa. 30 IN PTR db.mapped.example.",
      ]);
      expect((await ask(transport, "-x", "fd00:1::2")).answers[0]).toEndWith(" 30 IN PTR web.mapped.example.");
      expect((await ask(transport, "-x", "198.18.9.9")).status).toBe("NXDOMAIN");
      expect(dnsmasq.queries().length).toBe(before);
    },
  );

  test("EDNS, and versions of it that nobody knows", async () => {
    const edns = await ask("db.mapped.example", "A", "+bufsize=1232", "+dnssec", "+cookie", "+padding=128");
    expect(edns).toMatchObject({
      status: "NOERROR",
      edns: "Version: 0; flags: do; UDP size: 1232 B; ext-rcode: NOERROR",
    });
    expect((await ask("db.mapped.example", "A", "+edns=1")).text).toContain("BADVERS");
    expect((await ask("real.example", "A", "+edns=1")).text).toContain("BADVERS");
    expect((await ask("db.mapped.example", "ANY")).answers).toEqual(["db.mapped.example. 30 IN A 198.18.0.1"]);
  });

  test("the record has names of ours, and nothing else that was looked up", async () => {
    const lines = (await Bun.file(scene.path("audit.jsonl")).text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const names = lines.filter(({ event }) => event === "name");
    expect(names[0]).toMatchObject({
      v: 1,
      command: "tproxy",
      client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      transport: "udp",
      name: "db.mapped.example",
      type: "A",
      outcome: "fake",
      address: "198.18.0.1",
    });
    const known = ["db.mapped.example", "web.mapped.example", "fixed.example"];
    expect(new Set(names.map(({ name }) => name))).toEqual(new Set(known));
  });
});
