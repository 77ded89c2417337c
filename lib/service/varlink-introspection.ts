/** `org.varlink.service`: what a Varlink service says of itself. */
import { readParameters } from "./varlink-parameters.ts";
import { serviceError, type VarlinkInterface } from "./varlink-interface.ts";
import description from "./org.varlink.service.varlink" with { type: "text" };

export interface ServiceInfo {
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
  readonly url: string;
}

/** For a service that has `interfaces` besides. */
export function serviceInterface(info: ServiceInfo, interfaces: readonly VarlinkInterface[]): VarlinkInterface {
  const own: VarlinkInterface = {
    name: "org.varlink.service",
    description,
    methods: {
      GetInfo({ parameters }) {
        const wrong = readParameters(parameters, {});
        if ("error" in wrong) return wrong;
        return { parameters: { ...info, interfaces: all.map(({ name }) => name) } };
      },
      GetInterfaceDescription({ parameters }) {
        const read = readParameters(parameters, { interface: "string" });
        if ("error" in read) return read;
        const found = all.find(({ name }) => name === read.values.interface);
        if (found === undefined) return serviceError("InterfaceNotFound", "interface", read.values.interface);
        return { parameters: { description: found.description } };
      },
    },
  };
  const all = [own, ...interfaces];
  return own;
}
