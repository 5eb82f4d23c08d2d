import { HoldfastError } from "../../errors.ts";

const retryAfterSeconds = 10;

/** A proxy on this machine, or who is here already, brings everybody. */
const isLocal = (address: string) => /^(::ffff:)?127\.|^::1$|^$/i.test(address);

/** Counts who is connected, in all and from each address. */
export interface Admission {
  /** Takes a place and returns what gives it back; throws `overloaded` or `rate_limited` where there is none. */
  enter(address: string): () => void;
  readonly count: number;
}

export function createAdmission(
  { max, perAddressMax }: { max: number; perAddressMax: number },
): Admission {
  const byAddress = new Map<string, number>();
  let count = 0;
  return {
    enter(address) {
      if (count >= max) {
        throw new HoldfastError("overloaded", `${max} clients are connected already`, {
          retryAfterSeconds,
        });
      }
      const here = byAddress.get(address) ?? 0;
      if (here >= perAddressMax && !isLocal(address)) {
        throw new HoldfastError(
          "rate_limited",
          `${perAddressMax} clients are connected from this address already`,
          { retryAfterSeconds },
        );
      }
      count++;
      byAddress.set(address, here + 1);
      let entered = true;
      return () => {
        if (!entered) return;
        entered = false;
        count--;
        const left = (byAddress.get(address) ?? 1) - 1;
        if (left > 0) byAddress.set(address, left);
        else byAddress.delete(address);
      };
    },
    get count() {
      return count;
    },
  };
}
