/** Inventory files as providers, in CSV, JSON and TOML: their rows decide, also after they have changed, and a broken one changes nothing. */
import { renameSync } from "node:fs";
import { beforeAll, describe, expect, test } from "bun:test";
import { Asking } from "../../support/asking-scene.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const USERS = ["ada", "grace", "eve", "mallory"];
const WHEN = '"ops" in user.groups and device.managed == true';

/** The same rows: ada may, grace is in another group, mallory's row has a wrong type, and eve has none. */
const FORMATS = [
  {
    format: "csv",
    rows: 'mail,groups,managed\nada,"staff;ops",true\ngrace,staff,true\nmallory,ops,perhaps\n',
    replaced: "mail,groups,managed\nada,staff,true\ngrace,ops,true\n",
    broken: "mail,groups,managed\nada,ops\n",
    keys: 'column = "mail"\nset = ["user.groups = groups", "device.managed = managed"]',
  },
  {
    format: "json",
    rows: JSON.stringify({
      people: [
        { mail: "ada", device: { managed: true }, groups: ["staff", "ops"] },
        { mail: "grace", device: { managed: true }, groups: ["staff"] },
        { mail: "mallory", device: { managed: "perhaps" }, groups: ["ops"] },
      ],
    }),
    replaced: JSON.stringify({
      people: [
        { mail: "ada", device: { managed: true }, groups: ["staff"] },
        { mail: "grace", device: { managed: true }, groups: ["ops"] },
      ],
    }),
    broken: '{"people": [',
    keys: 'column = "mail"\nrows = "/people"\nset = ["user.groups = groups", "device.managed = /device/managed"]',
  },
  {
    format: "toml",
    rows: '[ada]\ngroups = ["staff", "ops"]\nmanaged = true\n[grace]\ngroups = ["staff"]\nmanaged = true\n[mallory]\ngroups = ["ops"]\nmanaged = "perhaps"\n',
    replaced: '[ada]\ngroups = ["staff"]\nmanaged = true\n[grace]\ngroups = ["ops"]\nmanaged = true\n',
    broken: "[ada]\n[ada]\n",
    keys: 'set = ["user.groups = groups", "device.managed = managed"]',
  },
];

scenario(import.meta.file, ["curl", "htpasswd"], ({ scene, portail }) => {
  describe.each(FORMATS)("$format", ({ format, rows, replaced, broken, keys }) => {
    let asking: Asking;
    const put = (text: string) => {
      const written = scene.write(`new.${format}`, text);
      renameSync(written, scene.path(`people.${format}`));
    };
    beforeAll(async () => {
      put(rows);
      const file = scene.path(`people.${format}`);
      const providers = `[provider.people]\nkind = "file"\nkey = "client.user"\nfile = "${file}"\n${keys}\n`;
      asking = await Asking.open(scene, portail, USERS, { providers, when: WHEN });
    });

    test("who is in the group goes out", async () => {
      expect(await asking.decided("ada")).toMatchObject({
        decision: "allow",
        facts: { "user.groups": ["staff", "ops"], "device.managed": true },
        got: true,
      });
    });

    test("who is not, does not", async () => {
      expect(await asking.decided("grace")).toMatchObject({ decision: "deny", reason: "default", got: false });
    });

    test("of whom nothing is known, a fact is missing, and named", async () => {
      const found = await asking.decided("eve");
      expect(found).toMatchObject({ decision: "deny", reason: "missing_fact", missing: "user.groups", got: false });
      expect(Object.keys(found.facts)).not.toContain("user.groups");
    });

    test("a value of the wrong type is missing, and said once", async () => {
      for (let i = 0; i < 2; i++) expect(await asking.decided("mallory")).toMatchObject({ missing: "device.managed" });
      const said = asking.proxy.program.stderr
        .split("\n")
        .filter((line) => line.includes("device.managed is a string"));
      expect(said.length).toBe(1);
    });

    test("a broken file at a reload changes nothing, and is said", async () => {
      const policy = await Bun.file(asking.proxy.policyFile).text();
      put(broken);
      expect(await asking.proxy.reload(policy)).toMatchObject({
        outcome: "kept",
        error: expect.stringContaining(`people.${format}`),
      });
      expect(await asking.decided("ada")).toMatchObject({ decision: "allow" });
    });

    test("SIGHUP reads the file anew", async () => {
      const policy = await Bun.file(asking.proxy.policyFile).text();
      put(replaced);
      expect(await asking.proxy.reload(policy)).toMatchObject({ outcome: "done" });
      expect(await asking.decided("ada")).toMatchObject({ decision: "deny", reason: "default" });
      expect(await asking.decided("grace")).toMatchObject({ decision: "allow", got: true });
    });

    test("and without one, a change is seen when somebody asks", async () => {
      put(rows);
      await until("the change to be seen", async () => (await asking.decided("ada")).decision === "allow");
      expect(await asking.decided("grace")).toMatchObject({ decision: "deny" });
      expect(asking.proxy.program.stderr).toContain("the inventory was read anew");
    });
  });
});
