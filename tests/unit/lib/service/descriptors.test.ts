/** Limits of open files, as the system tells them. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { defaultTunnels, descriptorLimit, mostClients } from "../../../../lib/service/descriptors.ts";

test("the limit is the one that the system set for the process", async () => {
  const module = JSON.stringify(join(import.meta.dir, "../../../../lib/service/descriptors.ts"));
  const script = `
    const { defaultTunnels, descriptorLimit, mostClients } = await import(${module});
    console.log(JSON.stringify([descriptorLimit(), mostClients(), defaultTunnels()]));
  `;
  // Hard and soft, since the runtime raises the soft limit to the hard one.
  const child = Bun.spawn(["sh", "-c", 'ulimit -n 500; exec "$0" -e "$1"', process.execPath, script], {
    stdout: "pipe",
  });
  expect(JSON.parse(await new Response(child.stdout).text())).toEqual([500, 436, 218]);
});

test("tunnels take two descriptors each, clients one, and some are kept for the program", () => {
  expect(mostClients()).toBeLessThan(descriptorLimit());
  expect(2 * defaultTunnels()).toBeLessThanOrEqual(mostClients());
});
