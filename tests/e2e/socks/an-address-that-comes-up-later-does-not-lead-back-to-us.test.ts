/** A proxy that listens at every address, and an address that the machine gets while it runs. In a network namespace. */
import { readFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { auditLines } from "../../support/audit-trail.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

/** $1 is what curl asks for; the rest is the proxy. Curl's status 7 says that nobody listens yet. */
const SCRIPT = `
  ip link set lo up
  url=$1; shift
  "$@" & proxy=$!
  ask() { curl -q --silent --show-error --noproxy "" --max-time 20 --proxy socks5h://127.0.0.1:1080 "$1"; }
  while ask http://127.0.0.1:9/ 2>/dev/null; [ $? = 7 ]; do sleep 0.05; done
  ip address add 203.0.113.7/32 dev lo
  ask "$url"; status=$?
  kill $proxy; wait $proxy
  exit $status
`;

scenario(import.meta.file, ["curl", "unshare", "ip"], ({ scene, portail }) => {
  test("a policy that does not name it refuses, and the audit says what it is", async () => {
    const acl = scene.write("policy.acl", "policy ports { when port > 0 action allow }\n");
    const audit = scene.path("audit.jsonl");
    const listen = ["--listen", "0.0.0.0:1080", "--unsafe-listen", "--acl", acl, "--audit", audit];
    const shell = ["unshare", "--map-root-user", "--net", "sh", "-c", SCRIPT, "sh", "http://203.0.113.7:1080/"];
    const { status, stderr } = await run([...shell, ...portail.command, "socks", ...listen]);
    expect({ status, stderr }).toEqual({ status: 97, stderr: expect.stringContaining("203.0.113.7. (2)") });
    const decision = auditLines(readFileSync(audit, "utf8")).find(
      (line) => line.event === "decision" && line.target === "203.0.113.7:1080",
    );
    expect(decision).toMatchObject({ decision: "deny", policy: "ports", reason: "guard", guard: "own-listener" });
  });
});
