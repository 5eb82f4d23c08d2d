import type { SessionAttrs } from "./address.ts";

/** What servers from 14 on report at login and whenever it changes; unknown behind a pooler. */
export interface Role {
  standby: boolean | undefined;
  readOnly: boolean | undefined;
}

/** The parameters that a server's role shows in. */
export const roleParameters = ["in_hot_standby", "default_transaction_read_only"] as const;

/** Returns a server's role from the parameters that it has reported. */
export function roleOf(reported: ReadonlyMap<string, string>): Role {
  const flag = (name: string) => {
    const value = reported.get(name);
    return value === undefined ? undefined : value === "on";
  };
  const [standby, readOnly] = roleParameters;
  return { standby: flag(standby), readOnly: flag(readOnly) };
}

/** Says why a server of this role is not the one asked for; undefined where it is. What is not known is let pass. */
export function mismatch(attrs: SessionAttrs, { standby, readOnly }: Role): string | undefined {
  const writes = standby === false && readOnly === false;
  const refuses = standby === true || readOnly === true;
  if (attrs === "read-write" && refuses) return standby ? "is a standby" : "is read-only";
  if (attrs === "read-only" && writes) return "takes writes";
  if (attrs === "primary" && standby) return "is a standby";
  if (attrs === "standby" && standby === false) return "is no standby";
  return undefined;
}
