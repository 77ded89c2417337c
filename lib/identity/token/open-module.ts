/** Loads a PKCS#11 module by the binding that there is: graphene-pk11 where its addon was built, else foreign functions. */
import { openModule as openByFfi } from "../../ffi/pkcs11.ts";
import type { TokenModule } from "./module.ts";

/** Throws where the module cannot be loaded, or does not initialize. */
export function openModule(path: string): TokenModule {
  return openByFfi(path);
}
