/** Marked dials, which are those of `tproxy run`: of several addresses the first that answers, however the others keep silent or refuse, and nothing is left of the attempts. */
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { scenario } from "../../support/scenario.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";

const DIALER = join(import.meta.dir, "..", "..", "support", "marked-dialer.ts");
const GREETER = join(import.meta.dir, "..", "..", "support", "greeter.mjs");
/** Who listens, by both families, who refuses, and whose answers never come. */
const [HERE, HERE6, REFUSES, SILENT, SILENT6] = ["10.9.0.2", "fd09::2", "10.9.0.3", "10.9.0.4", "fd09::4"];
const DROPPING = `table inet quiet { chain input { type filter hook input priority 0; ip daddr ${SILENT} drop; ip6 daddr ${SILENT6} tcp dport 7000 drop; }; }`;

scenario(
  import.meta.file,
  NETWORK_NEEDS,
  ({ scene }) => {
    let nets: TwoNetworks;

    const dial = async (timeout: number, ...addresses: readonly string[]) =>
      JSON.parse((await nets.near.run([process.execPath, DIALER, String(timeout), ...addresses])).stdout) as unknown;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      for (const address of [HERE, HERE6]) {
        const program = nets.far.start(scene, [process.execPath, GREETER, "serve", "one", address, "7000"]);
        await program.output("stdout", /ready/);
      }
      // A network that is new takes a moment to find out who is where.
      for (const one of [HERE, HERE6]) await dial(5000, one);
      expect(await nets.far.run(["nft", "-f", "-"], { stdin: DROPPING })).toMatchObject({ status: 0 });
    }, 60_000);

    test.each([
      [[HERE], HERE],
      [[HERE6, HERE], HERE6],
      [[SILENT6, HERE], HERE],
      [[REFUSES, SILENT, REFUSES, HERE6], HERE6],
      [[REFUSES], "refused"],
      [[REFUSES, REFUSES], "refused"],
      [[SILENT], "timeout"],
      [[SILENT, SILENT6, REFUSES], "timeout"],
    ])("%j: %s", async (addresses, said) => {
      expect(await dial(1500, ...addresses)).toEqual({ said, left: 0 });
    });
  },
  ["source"],
);
