/** URIs of a SoftHSM token as GnuTLS's p11tool prints them, and as `portail identity list` does: the same, and each finds its thing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { parsePkcs11Uri } from "../../lib/wire/pkcs11-uri.ts";
import { needing } from "../support/needs.ts";
import { authority } from "../support/pki.ts";
import { FORMS, Portail } from "../support/portail.ts";
import { Scene } from "../support/scene.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../support/softhsm.ts";

setDefaultTimeout(60_000);

/** With what has a meaning in URIs, and what no URI has. */
const TOKEN = "50% off; my/token?";
const NAMES = ["plain", "a b:c@d", "é=ü&;ö", "'(*)+,!$"];

needing("URIs of a token", [...SOFTHSM, "p11tool"], () => {
  const scene = new Scene();
  let hsm: SoftHsm;
  let theirs: string[];
  let ours: { keys: { uri: string; label: string }[]; certificates: { uri: string; label: string }[] };
  beforeAll(async () => {
    hsm = new SoftHsm(scene, TOKEN);
    NAMES.forEach((name, i) => hsm.put(authority().issue({ cn: `key-${i}` }), name, `0${i + 1}ff`));
    const listed = Bun.spawnSync(["p11tool", "--provider", MODULE, "--list-all", "--login", "--only-urls", "pkcs11:"], {
      env: { ...process.env, ...hsm.env, GNUTLS_PIN: PIN },
      stderr: "pipe",
    });
    theirs = listed.stdout.toString().match(/^pkcs11:.*$/gm) ?? [];
    const [slot] = await list(`pkcs11:token=${encodeURIComponent(TOKEN)}`);
    ours = slot!;
  });
  afterAll(() => scene.close());

  const list = async (uri: string): Promise<(typeof ours)[]> => {
    const portail = new Portail(FORMS[0]!, scene);
    const args = ["identity", "list", "--json", uri, "--pkcs11-module", MODULE];
    const { stdout, stderr } = await portail.run(args, { env: { ...hsm.env, PKCS11_PIN: PIN } });
    expect(stderr).toBe("");
    return JSON.parse(stdout) as (typeof ours)[];
  };
  const meant = (uris: string[]) =>
    uris.map((uri) => {
      const { modulePath: _path, ...rest } = (parsePkcs11Uri(uri) as { value: { modulePath?: string } }).value;
      return JSON.stringify(rest);
    });

  test("mean the same", () => {
    const things = theirs.filter((uri) => !uri.endsWith("type=public"));
    expect(things).toHaveLength(2 * NAMES.length);
    const all = [...ours.keys, ...ours.certificates].map(({ uri }) => uri);
    expect(meant(all).toSorted()).toEqual(meant(things).toSorted());
  });

  test("are the same text where nothing need be escaped but ids and spaces", () => {
    const plain = (uris: string[]) => uris.filter((uri) => uri.includes(";object=plain;"));
    const tokenless = (uri: string) => uri.replace(/token=[^;]*/, "").replace(/\?.*/, "");
    const all = [...ours.keys, ...ours.certificates].map(({ uri }) => uri);
    expect(plain(all).map(tokenless).toSorted()).toEqual(
      plain(theirs)
        .filter((uri) => !uri.endsWith("type=public"))
        .map(tokenless)
        .toSorted(),
    );
  });

  test.each(NAMES)("of p11tool lead to %s", async (name) => {
    const i = NAMES.indexOf(name);
    const uri = theirs.find((each) => each.includes(`id=%0${i + 1}%FF`) || each.includes(`id=%0${i + 1}%ff`))!;
    const [slot, ...more] = await list(uri.replace(/;type=\w+/, ""));
    expect([more, slot!.keys.map(({ label }) => label)]).toEqual([[], [name]]);
    expect(slot!.certificates.map(({ label }) => label)).toEqual([name]);
  });
});
