import { generateKeyPairSync, sign } from 'node:crypto';

/** PEM, both. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
const OBJECT_ID = 0x06;
const TEXT = 0x0c;
const TIME = 0x17;

/** A value in DER, of fewer than 64 KiB. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Uint8Array.from([tag, ...size]), content]);
}
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const time = (text: string): Buffer => der(TIME, Buffer.from(text));

const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT_ID, hex('2a8648ce3d040302')));
const COMMON_NAME = der(OBJECT_ID, hex('550403'));
const BASIC_CONSTRAINTS = der(OBJECT_ID, hex('551d13'));
const ALTERNATIVE_NAME = der(OBJECT_ID, hex('551d11'));

/**
 * The certificate of an authority that nobody knows, which is at the same time that of a server on 127.0.0.1. Node makes
 * none (RFC 5280 says how), and programs that do are not everywhere.
 */
export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(TEXT, Buffer.from('beit test')))));
  const extensions = der(
    SEQUENCE,
    der(SEQUENCE, BASIC_CONSTRAINTS, der(OCTETS, der(SEQUENCE, hex('0101ff')))),
    der(SEQUENCE, ALTERNATIVE_NAME, der(OCTETS, der(SEQUENCE, hex('87047f000001')))),
  );
  const content = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, hex('02'))),
    der(INTEGER, hex('01')),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', content, privateKey);
  const whole = der(SEQUENCE, content, ECDSA_WITH_SHA256, der(BITS, hex('00'), signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${whole.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}
