/** Loads a PKCS#11 module by the binding that there is: graphene-pk11 where its addon was built, else foreign functions. */
import { openModule as openByFfi } from "../../ffi/pkcs11.ts";
import { loadGraphene, openByGraphene } from "./graphene.ts";
import type { Binding, TokenModule } from "./module.ts";

/** Throws where the module cannot be loaded, or does not initialize. `binding` insists on one of them. */
export async function openModule(path: string, binding?: Binding): Promise<TokenModule> {
  const graphene = binding === "bun:ffi" ? undefined : await loadGraphene();
  if (graphene !== undefined) return openByGraphene(graphene, path);
  if (binding === "graphene-pk11") throw new Error("the addon of graphene-pk11 was not built");
  return openByFfi(path);
}
