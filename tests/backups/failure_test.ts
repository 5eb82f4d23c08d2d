import assert from "node:assert/strict";
import { toHoldfastError } from "../../db/errors.ts";
import { HoldfastError } from "../../errors.ts";
import { explain } from "../../services/backups/failure.ts";

const failed = (code: string, message: string) => Object.assign(new Error(message), { code });

Deno.test("a failed backup quotes the server's error and guesses no cause", () => {
  const hba = failed("28000", 'no pg_hba.conf entry for replication connection from host "::1"');
  assert.equal(
    explain(hba),
    'The server refused the backup: 28000: no pg_hba.conf entry for replication connection from host "::1"',
  );
  assert.equal(
    explain(failed("42501", "permission denied for table secret")),
    "The server refused the backup: 42501: permission denied for table secret",
  );
  // The server's disk is not that of the backups.
  assert.equal(
    explain(failed("53100", "could not extend file: No space left on device")),
    "The backup was cut short: 53100: could not extend file: No space left on device",
  );
  assert.match(explain(failed("ENOSPC", "write")), /^The disk of the backups is full/);
  assert.equal(explain(new HoldfastError("conflict", "It was aborted")), "It was aborted");
  assert.equal(
    explain(toHoldfastError(failed("XX001", "invalid page in block 7"))),
    "The database refused the statement (XX001: invalid page in block 7)",
  );
});
