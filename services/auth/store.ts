import { chown, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { withFileLock } from "../../lib/file_lock.ts";
import { writeDurably } from "../backups/base/files.ts";
import { scopes } from "./scope.ts";

/** Tokens that may be kept. */
export const tokensMax = 200;
const bytesMax = 1024 * 1024;

const time = z.iso.datetime({ offset: true });

const TokenRecord = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: z.string().min(1).max(64),
  scope: z.enum(scopes),
  /** SHA-256 of the token. A slow hash would add nothing: nobody tries 2^256 tokens. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: time,
  created_by: z.string().max(200),
  expires_at: time.nullable(),
});
export type TokenRecord = z.infer<typeof TokenRecord>;

const Use = z.object({ at: time, from: z.string().max(100) });
export type Use = z.infer<typeof Use>;

const Content = z.object({
  version: z.literal(1),
  tokens: z.array(TokenRecord).max(tokensMax),
  /** By id of the token: when and from where it was used last. */
  uses: z.record(z.string(), Use),
});
export type TokenFileContent = z.infer<typeof Content>;

/** The named tokens of one data directory, shared by the server and the commands. */
export interface TokenFile {
  readonly path: string;
  /** The content; empty where there is no file. Throws where it cannot be read or is not a token file. */
  read(): Promise<TokenFileContent>;
  /** Replaces the content by what `change` makes of it, while no other process does. */
  change(change: (content: TokenFileContent) => TokenFileContent): Promise<void>;
  /** Text that differs once the file has been replaced. */
  stamp(): Promise<string>;
}

const isMissing = (error: unknown) => (error as { code?: string }).code === "ENOENT";

/** Gives a file made by root to the owner of its folder: the server that reads it may be another user. */
async function giveToOwner(path: string): Promise<void> {
  const [file, folder] = [await stat(path), await stat(dirname(path))];
  if (file.uid === 0 && folder.uid !== 0) await chown(path, folder.uid, folder.gid);
}

/** Opens the file at a path; it need not be there. */
export function openTokenFile(path: string): TokenFile {
  async function read(): Promise<TokenFileContent> {
    let text: string;
    try {
      const file = await open(path, "r");
      try {
        if ((await file.stat()).size > bytesMax) throw new Error(`${path} is over 1 MiB`);
        text = await file.readFile("utf8");
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return { version: 1, tokens: [], uses: {} };
      throw error;
    }
    let parsed;
    try {
      parsed = Content.safeParse(JSON.parse(text));
    } catch {
      throw new Error(`${path} is not JSON; restore it, or remove it and make new tokens`);
    }
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new Error(
      `${path} is not a token file (${
        issue?.path.join(".")
      }: ${issue?.message}); restore it, or remove it and make new tokens`,
    );
  }

  return {
    path,
    read,
    async change(change) {
      await mkdir(dirname(path), { recursive: true });
      await withFileLock(`${path}.lock`, async () => {
        await writeDurably(
          path,
          `${JSON.stringify(Content.parse(change(await read())), null, 2)}\n`,
        );
        await giveToOwner(path);
      });
    },
    async stamp() {
      try {
        const { ino, mtimeMs, size } = await stat(path);
        return `${ino} ${mtimeMs} ${size}`;
      } catch (error) {
        if (isMissing(error)) return "";
        throw error;
      }
    },
  };
}
