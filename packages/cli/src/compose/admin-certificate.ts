/**
 * The admin API's certificate: self-signed, for loopback, made once. kubectl sends a token over TLS only, and so needs one even
 * on its own machine. The library is loaded on a first start alone.
 */

export type Certificate = { readonly keyPem: string; readonly certificatePem: string };

const days = 3_650;
const dayMs = 86_400_000;

export async function makeAdminCertificate(nowMs: number, serial: Uint8Array): Promise<Certificate> {
  await import("reflect-metadata"); // asked for by the library's dependency injection
  const {
    X509CertificateGenerator,
    BasicConstraintsExtension,
    ExtendedKeyUsage,
    ExtendedKeyUsageExtension,
    SubjectAlternativeNameExtension,
  } = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(serial).toString("hex"),
    name: "CN=sluice admin API",
    notBefore: new Date(nowMs - dayMs),
    notAfter: new Date(nowMs + days * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    keyPem: `-----BEGIN PRIVATE KEY-----\n${key.replace(/(.{64})/g, "$1\n").trimEnd()}\n-----END PRIVATE KEY-----\n`,
    certificatePem: `${certificate.toString("pem").trimEnd()}\n`,
  };
}

/** What `kubectl --kubeconfig` needs to reach the admin API. */
export function kubeconfig(access: { server: string; certificatePem: string; token: string }): string {
  const authority = Buffer.from(access.certificatePem).toString("base64");
  return `apiVersion: v1
kind: Config
clusters:
  - name: sluice
    cluster: { server: "${access.server}", certificate-authority-data: ${authority} }
users:
  - name: sluice
    user: { token: "${access.token}" }
contexts:
  - name: sluice
    context: { cluster: sluice, user: sluice, namespace: default }
current-context: sluice
`;
}
