import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readRegularFile } from '../regular-file.ts';
import type { Checked, Finding } from './finding.ts';
import type { Path } from './path.ts';
import { codeOf, explainUnreadable } from './unreadable.ts';

const beginning = /(?=-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----)/;
const leastRsaBits = 2048;

/** PEM files of one end of TLS, by the names that the config has for them. */
export interface CertificateFiles {
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly authorities: Readonly<Record<string, string | null>>;
}

interface Read<T> {
  readonly value: T | null;
  readonly fault: string | null;
  readonly hint?: string;
}

/** What TLS could not work with, told before a client would notice. No message holds anything of a file. */
export function checkCertificates(files: CertificateFiles, path: Path): Checked {
  const { certFile, keyFile, authorities } = files;
  const cert = read(certFile, parseCertificates);
  const key = read(keyFile, parseKey);
  const others = Object.entries(authorities).map(
    ([name, file]) => [name, read(file, parseCertificates)] as const,
  );
  const faults = [['certFile', cert] as const, ['keyFile', key] as const, ...others].flatMap(
    ([name, { fault, hint }]) =>
      fault === null ? [] : [{ path: [...path, name], message: fault, ...(hint !== undefined && { hint }) }],
  );
  const leaf = cert.value?.[0];
  if (faults.length > 0 || leaf === undefined || key.value === null) return { faults, warnings: [] };
  return {
    faults: checkPair(certFile as string, keyFile as string, leaf, key.value, path),
    warnings: checkTime(leaf, [...path, 'certFile']),
  };
}

function read<T>(file: string | null, parse: (text: string) => Read<T>): Read<T> {
  if (file === null) return { value: null, fault: null };
  try {
    return parse(readRegularFile(file).toString('latin1'));
  } catch (error) {
    return {
      value: null,
      fault: `the file cannot be read (${codeOf(error)})`,
      hint: explainUnreadable(file, error),
    };
  }
}

function parseCertificates(text: string): Read<readonly X509Certificate[]> {
  const blocks = text.split(beginning).filter((block) => beginning.test(block));
  if (blocks.length === 0) return { value: null, fault: 'the file holds no certificate in PEM' };
  try {
    return { value: blocks.map((block) => new X509Certificate(block)), fault: null };
  } catch {
    return { value: null, fault: 'the file holds a certificate that is damaged' };
  }
}

function parseKey(text: string): Read<KeyObject> {
  if (/ENCRYPTED/.test(text)) {
    return {
      value: null,
      fault: 'the file holds an encrypted key: there is nobody to ask for its passphrase',
    };
  }
  try {
    return { value: createPrivateKey(text), fault: null };
  } catch {
    return { value: null, fault: 'the file holds no private key in PEM' };
  }
}

function checkPair(
  certFile: string,
  keyFile: string,
  leaf: X509Certificate,
  key: KeyObject,
  path: Path,
): Finding[] {
  const keyPath = [...path, 'keyFile'];
  const bits = key.asymmetricKeyDetails?.modulusLength ?? leastRsaBits;
  if (bits < leastRsaBits) {
    return [{ path: keyPath, message: `the key has ${bits} bits; RSA needs ${leastRsaBits}` }];
  }
  if (!leaf.checkPrivateKey(key)) {
    return [
      {
        path: keyPath,
        message: 'the key is not that of the first certificate in certFile',
        restsOn: [[...path, 'certFile']],
      },
    ];
  }
  try {
    createSecureContext({ cert: readRegularFile(certFile), key: readRegularFile(keyFile) });
    return [];
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    return [{ path, message: `certFile and keyFile cannot be used (${code})` }];
  }
}

/** Only a warning: what was valid when it started must not stop a reload that mends something else. */
function checkTime(leaf: X509Certificate, path: Path): Finding[] {
  if (Date.now() > Date.parse(leaf.validTo)) return [{ path, message: `expired on ${leaf.validTo}` }];
  if (Date.now() < Date.parse(leaf.validFrom))
    return [{ path, message: `is not valid before ${leaf.validFrom}` }];
  return [];
}
