import { codeOf, describeDatabaseError } from "../errors.ts";
import { sqlState } from "../sql_state.ts";
import { addressLabel } from "./address.ts";
import { wrongName } from "./tls.ts";
import { notPostgres, tlsRefused } from "./attempt.ts";
import { addressOf, type Target } from "./target.ts";

/** Codes with which TLS libraries refuse a certificate, theirs or ours. */
const certificate = /^(ERR_TLS|ERR_SSL|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|CERT_|INVALID_CA|EPROTO)/;

/**
 * Says whether another try would end the same until somebody changes the address, the role, the database or the
 * certificate. A server that is unreachable, starting or of another role is none of these.
 */
function isLasting(code: string): boolean {
  return code.startsWith("28") || code === "3D000" || code === "ENOTFOUND" || code === wrongName ||
    code === tlsRefused || code === notPostgres || certificate.test(code);
}

/** How a first connection failed, in one line without secrets, and whether trying again is of use. */
export interface ConnectFailure {
  line: string;
  lasting: boolean;
  /** The name of the host could not be resolved for now; it is given a few seconds. */
  unresolved: boolean;
}

const hints: Record<string, string> = {
  [sqlState.invalidPassword]: "check user and password",
  "3D000": "check the database's name, or create it",
  ENOTFOUND: "check the host's name",
  EAI_AGAIN: "check the host's name",
};

/** Describes why a server could not be logged in to, or what it was asked for was refused. */
export function describeConnectFailure(
  error: unknown,
  target: Target,
): ConnectFailure {
  const code = codeOf(error);
  const address = addressOf(target);
  const said = describeDatabaseError(error).replace(/^DATABASE_URL: /, "");
  const text = said.startsWith(`${code}: `) ? said.slice(code.length + 2) : said;
  const hint = hints[code] ??
    (certificate.test(code) || code === wrongName
      ? "check sslmode, sslrootcert, sslcert and the host's name"
      : undefined);
  const remark = code.startsWith("28") ? address.remark : undefined;
  const line = [
    `DATABASE_URL: ${text.replace(/\s+/g, " ")}${code ? ` (${code})` : ""}, at ${
      addressLabel(address)
    }`,
    ...(hint ? [hint] : []),
    ...(remark ? [remark] : []),
  ].join("; ");
  return { line, lasting: isLasting(code), unresolved: code === "EAI_AGAIN" };
}
