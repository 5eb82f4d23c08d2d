export const day = 86_400;

/** What most rules share: half a minute of good values ends an alert, a minute lies between two. */
export const usual = { keep_firing_seconds: 30, cooldown_seconds: 60, enabled: true };
