import { z } from "zod";
import { flag, setting } from "./definition.ts";

/** A bucket, and below it any folders, of characters that need no quoting anywhere; no user, query or fragment. */
const place = /^https?:\/\/[^\/?#@\s]+\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w-][\w.-]*)*\/?$/;

const together = "with the other two of HOLDFAST_S3_URL, _ACCESS_KEY_ID and _SECRET_ACCESS_KEY";

/** The S3-compatible storage that backups are copied to. */
export const s3Settings = {
  HOLDFAST_S3_URL: setting(
    z.string().regex(place).refine((url) => URL.canParse(url)).optional(),
    "a URL such as https://s3.example.com/bucket/folder, without user, query or fragment",
    "Bucket, and folder in it, that backups and WAL are copied to, in path style. Plain `http` is allowed only to this machine. See [backups](backups.md#copies-in-s3-compatible-storage).",
    true,
  ),
  HOLDFAST_S3_ACCESS_KEY_ID: setting(
    z.string().regex(/^[\x21-\x7e]+$/).optional(),
    `printable characters, ${together}`,
    "Access key of the storage. It must be allowed to list, read, write and delete in that folder.",
    true,
  ),
  HOLDFAST_S3_SECRET_ACCESS_KEY: setting(
    z.string().min(8).optional(),
    `at least 8 characters, ${together}`,
    "Secret of the access key. Holdfast signs requests with it and never sends it.",
    true,
  ),
  HOLDFAST_S3_REGION: setting(
    z.string().regex(/^[\w-]{1,64}$/).default("us-east-1"),
    "a region's name such as eu-central-1",
    "Region that requests are signed for. Most self-hosted storage accepts any.",
  ),
  HOLDFAST_S3_INSECURE: setting(
    flag.default(false),
    "0 or 1",
    "Allows plain `http` to storage on another machine. Backups then cross the network unencrypted.",
  ),
} as const;
