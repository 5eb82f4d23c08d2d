/** Makes authorities, certificates and keys in a folder of its own, with openssl. */
export interface Certificates {
  folder: string;
  /** An authority; returns the path of its certificate. */
  authority(name: string): Promise<string>;
  /** A certificate for `subject` (such as `/CN=localhost`) by an authority; `names` as in subjectAltName. */
  issue(
    authority: string,
    name: string,
    subject: string,
    names?: string,
  ): Promise<{ cert: string; key: string }>;
  /** One that vouches for itself, as the manual of Postgres makes it. */
  selfSigned(name: string, subject: string): Promise<{ cert: string; key: string }>;
  remove(): Promise<void>;
}

async function openssl(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const newKey = [
  ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
];

export async function createCertificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-tls-" });
  await Deno.chmod(folder, 0o755);
  const at = (file: string) => `${folder}/${file}`;
  const selfSigned = async (name: string, subject: string) => {
    await openssl(
      folder,
      ...["req", "-new", "-x509", ...newKey, "-days", "30", "-subj", subject],
      ...["-keyout", `${name}.key`, "-out", `${name}.crt`],
    );
    return { cert: at(`${name}.crt`), key: at(`${name}.key`) };
  };
  return {
    folder,
    selfSigned,
    authority: async (name) => (await selfSigned(name, `/CN=${name}`)).cert,
    async issue(authority, name, subject, names) {
      await openssl(
        folder,
        ...["req", "-new", ...newKey, "-subj", subject],
        ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
      );
      const extensions = at(`${name}.ext`);
      await Deno.writeTextFile(extensions, names ? `subjectAltName=${names}\n` : "");
      await openssl(
        folder,
        ...["x509", "-req", "-in", `${name}.csr`, "-days", "30", "-CAcreateserial"],
        ...["-CA", authority, "-CAkey", authority.replace(/crt$/, "key")],
        ...["-out", `${name}.crt`, ...(names ? ["-extfile", extensions] : [])],
      );
      return { cert: at(`${name}.crt`), key: at(`${name}.key`) };
    },
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}
