/** Passes on the notifications that sessions receive to whoever is made after their pool. */
export interface Notifications {
  /** Calls every subscriber with the channel of a notification. */
  notify(channel: string): void;
  subscribe(subscriber: (channel: string) => void): void;
}

/** Creates notifications without a subscriber. */
export function createNotifications(): Notifications {
  const subscribers: ((channel: string) => void)[] = [];
  return {
    notify: (channel) => subscribers.forEach((subscriber) => subscriber(channel)),
    subscribe: (subscriber) => void subscribers.push(subscriber),
  };
}
