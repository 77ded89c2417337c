/** A scenario: one file, named as a sentence, told once for each form in which the program comes. Knows no command. */
import { afterAll, describe, setDefaultTimeout } from "bun:test";
import { basename } from "node:path";
import { leaveOut, missing } from "./needs.ts";
import { FORMS, Portail, type Form } from "./portail.ts";
import { Scene } from "./scene.ts";

/** Milliseconds for one test, on a slow machine. */
const TIMEOUT = 30_000;

export interface Stage {
  scene: Scene;
  portail: Portail;
}

/**
 * `file` is `import.meta.file`, `needs` the programs without which the scenario is left out, `names` the forms of the
 * program that it is about.
 */
export function scenario(
  file: string,
  needs: readonly string[],
  tell: (stage: Stage) => void,
  names: readonly Form["name"][] = ["source", "binary"],
): void {
  const sentence = basename(file, ".test.ts").replaceAll("-", " ");
  const absent = missing(needs);
  if (absent.length > 0) {
    leaveOut(sentence, absent);
    return;
  }
  setDefaultTimeout(TIMEOUT);
  for (const form of FORMS.filter(({ name }) => names.includes(name))) {
    describe(`${sentence} (${form.name})`, () => {
      const scene = new Scene();
      afterAll(() => scene.close());
      tell({ scene, portail: new Portail(form, scene) });
    });
  }
}
