// A throw-away public key infrastructure for real components and for the simulator: everything a
// control plane on loopback needs, and the wrong certificates that negative tests need. Nothing
// here is fit for a cluster that anybody keeps: the keys lie unencrypted in one folder.
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// First: it must be evaluated before @peculiar/x509.
import './reflect-metadata.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate with its private key, as PEM text and as files in the folder of the PKI. */
export interface Credential {
  /** PEM, the leaf alone: every certificate here is signed by its root directly. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** The public half of an authority: what a peer needs in order to trust it. */
export interface Authority {
  readonly cert: string;
  readonly certPath: string;
}

/** The identity that kube-apiserver reads from a client certificate's subject. */
export interface ClientSubject {
  readonly commonName: string;
  /** Each one is a group, in this order. */
  readonly organizations?: readonly string[];
  /** Read by kube-apiserver from 1.33 on, from subject OID 1.3.6.1.4.1.57683.2. */
  readonly uid?: string;
}

/** What else a client certificate may differ in. */
export interface ClientOptions {
  /** Stem of the two files; the common name by default. Files of the same stem are replaced. */
  readonly fileName?: string;
  /** The authority that signs. `other` is trusted by nobody and serves negative tests. */
  readonly signedBy?: 'cluster' | 'frontProxy' | 'other';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** What the certificate is good for. A client certificate must say `clientAuth`. */
  readonly usage?: 'clientAuth' | 'serverAuth';
}

/** All that `createPki` makes. Leaf certificates are of `clusterCa` where nothing else is said. */
export interface Pki {
  readonly directory: string;
  readonly clusterCa: Authority;
  /** Signs `frontProxy` alone: kube-apiserver believes X-Remote-* from whoever holds such a one. */
  readonly frontProxyCa: Authority;
  /** An authority that no component trusts. */
  readonly otherCa: Authority;
  /** Serves localhost, 127.0.0.1, kubernetes[.default[.svc]] and 10.0.0.1. */
  readonly apiserver: Credential;
  /** Serves localhost and 127.0.0.1: the front door's own. */
  readonly door: Credential;
  /** Serves localhost and 127.0.0.1: the fake kubelet's own. */
  readonly kubelet: Credential;
  /** CN=front-proxy, signed by `frontProxyCa`. */
  readonly frontProxy: Credential;
  /** CN=admin, O=system:masters. */
  readonly admin: Credential;
  /** What kube-apiserver shows to kubelets: CN=kube-apiserver-kubelet-client, O=system:masters. */
  readonly kubeletClient: Credential;
  /** Signs and checks service account tokens. */
  readonly serviceAccount: { readonly publicKeyPath: string; readonly privateKeyPath: string };
  /** Makes one more client certificate. */
  issueClient(subject: ClientSubject, options?: ClientOptions): Promise<Credential>;
}

interface Signer {
  readonly certificate: X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

interface Leaf {
  readonly subject: Name;
  readonly usage: 'clientAuth' | 'serverAuth';
  readonly alternativeNames?: JsonGeneralNames;
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };
const UID_OID = '1.3.6.1.4.1.57683.2';
const LIFETIME_MS = 30 * 24 * 3600 * 1000;
// A container's clock may be a little behind the one that verifies.
const BACKDATE_MS = 3600 * 1000;

const LOOPBACK_NAMES: JsonGeneralNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
];
const APISERVER_NAMES: JsonGeneralNames = [
  ...LOOPBACK_NAMES,
  { type: 'dns', value: 'kubernetes' },
  { type: 'dns', value: 'kubernetes.default' },
  { type: 'dns', value: 'kubernetes.default.svc' },
  // The first address of the service range is the apiserver's own service.
  { type: 'ip', value: '10.0.0.1' },
];

/**
 * Makes a PKI in `directory`, which is created when it does not exist. Private keys are readable
 * by the owner alone. Takes some tens of milliseconds.
 */
export async function createPki(directory: string): Promise<Pki> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const [cluster, frontProxy, other] = await Promise.all([
    createAuthority('evenkeel-test-ca'),
    createAuthority('evenkeel-test-front-proxy-ca'),
    createAuthority('evenkeel-other-ca'),
  ]);
  const signers = { cluster, frontProxy, other };
  const leaf = async (fileName: string, signer: Signer, wanted: Leaf) =>
    storeCredential(directory, fileName, await createLeaf(signer, wanted));
  const server = (fileName: string, alternativeNames: JsonGeneralNames) =>
    leaf(fileName, cluster, {
      subject: subjectName({ commonName: fileName }),
      usage: 'serverAuth',
      alternativeNames,
    });
  const issueClient = (subject: ClientSubject, options: ClientOptions = {}) =>
    leaf(options.fileName ?? fileStem(subject.commonName), signers[options.signedBy ?? 'cluster'], {
      subject: subjectName(subject),
      usage: options.usage ?? 'clientAuth',
      notBefore: options.notBefore,
      notAfter: options.notAfter,
    });
  const masters = ['system:masters'];
  return {
    directory,
    clusterCa: await storeAuthority(directory, 'ca', cluster),
    frontProxyCa: await storeAuthority(directory, 'front-proxy-ca', frontProxy),
    otherCa: await storeAuthority(directory, 'other-ca', other),
    apiserver: await server('kube-apiserver', APISERVER_NAMES),
    door: await server('door', LOOPBACK_NAMES),
    kubelet: await server('kubelet', LOOPBACK_NAMES),
    frontProxy: await issueClient({ commonName: 'front-proxy' }, { signedBy: 'frontProxy' }),
    admin: await issueClient({ commonName: 'admin', organizations: masters }),
    kubeletClient: await issueClient({
      commonName: 'kube-apiserver-kubelet-client',
      organizations: masters,
    }),
    serviceAccount: await storeServiceAccountKeys(directory),
    issueClient,
  };
}

async function createAuthority(commonName: string): Promise<Signer> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity({}),
    serialNumber: serialNumber(),
    name: subjectName({ commonName }),
    keys,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      // Go and OpenSSL pick the issuer by this identifier; without it several roots are all tried.
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

async function createLeaf(signer: Signer, leaf: Leaf): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const usages = [ExtendedKeyUsage[leaf.usage]];
  const certificate = await X509CertificateGenerator.create({
    ...validity(leaf),
    serialNumber: serialNumber(),
    subject: leaf.subject,
    issuer: signer.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(usages),
      await AuthorityKeyIdentifierExtension.create(signer.certificate),
      ...(leaf.alternativeNames
        ? [new SubjectAlternativeNameExtension(leaf.alternativeNames)]
        : []),
    ],
  });
  return { cert: certificate.toString('pem'), key: await privateKeyPem(keys.privateKey) };
}

/** Group order is kept: kube-apiserver hands the groups on in the order of the subject. */
function subjectName({ commonName, organizations = [], uid }: ClientSubject): Name {
  const attributes = organizations.map((organization) => ({ O: [organization] }));
  return new Name([
    ...attributes,
    { CN: [commonName] },
    ...(uid === undefined ? [] : [{ [UID_OID]: [{ utf8String: uid }] }]),
  ]);
}

function validity({ notBefore, notAfter }: Pick<Leaf, 'notBefore' | 'notAfter'>) {
  const now = Date.now();
  return {
    notBefore: notBefore ?? new Date(now - BACKDATE_MS),
    notAfter: notAfter ?? new Date(now + LIFETIME_MS),
  };
}

/** Positive and without a leading zero byte: its DER form needs no padding (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

/** `system:node:a/b` becomes `system-node-a-b`: a common name may hold what a file name may not. */
function fileStem(commonName: string): string {
  return commonName.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

async function storeAuthority(directory: string, stem: string, signer: Signer): Promise<Authority> {
  const cert = `${signer.certificate.toString('pem')}\n`;
  const certPath = join(directory, `${stem}.crt`);
  await writeFile(certPath, cert);
  return { cert, certPath };
}

async function storeCredential(
  directory: string,
  stem: string,
  { cert, key }: { cert: string; key: string },
): Promise<Credential> {
  const certPath = join(directory, `${stem}.crt`);
  const keyPath = join(directory, `${stem}.key`);
  await writeFile(certPath, `${cert}\n`);
  await writeFile(keyPath, key, { mode: 0o600 });
  return { cert: `${cert}\n`, key, certPath, keyPath };
}

async function storeServiceAccountKeys(directory: string): Promise<Pki['serviceAccount']> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const publicKeyPath = join(directory, 'service-account.pub');
  const privateKeyPath = join(directory, 'service-account.key');
  await writeFile(
    publicKeyPath,
    pem('PUBLIC KEY', await webcrypto.subtle.exportKey('spki', keys.publicKey)),
  );
  await writeFile(privateKeyPath, await privateKeyPem(keys.privateKey), { mode: 0o600 });
  return { publicKeyPath, privateKeyPath };
}
