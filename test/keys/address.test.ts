import t from 'tap';
import { isLoopback, isOffLimits, isPrivate } from '../../src/keys/address.ts';

t.test('loopback', async (t) => {
  const loopback = [
    'localhost',
    'LOCALHOST.',
    'idp.localhost',
    '127.0.0.1',
    '127.255.0.3',
    '0x7f.1',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ];
  for (const host of loopback) t.ok(isLoopback(new URL(`http://${host}:8080/jwks`)), host);
  const others = [
    'localhost.example.com',
    '127.0.0.1.example.com',
    '128.0.0.1',
    '10.0.0.1',
    '[::2]',
    '0.0.0.0',
    '[::]',
  ];
  for (const host of others) t.notOk(isLoopback(new URL(`http://${host}/`)), host);
});

t.test('what metadata may not name', async (t) => {
  const forbidden = [
    '169.254.169.254',
    '169.254.0.1',
    '169.254.169.254.',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '[::ffff:169.254.169.254]',
    '[::169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[fe80::1]',
    '[febf::1]',
    '0.0.0.0',
    '0',
    '[::]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    'metadata.google.internal',
    'METADATA.google.internal.',
  ];
  for (const host of forbidden) t.ok(isOffLimits(new URL(`http://${host}/latest`)), host);
  const allowed = [
    'idp.example.com',
    '10.0.0.1',
    '192.168.1.1',
    '127.0.0.1',
    '[fd00::1]',
    '[fec0::1]',
    '169.253.0.1',
  ];
  for (const host of allowed) t.notOk(isOffLimits(new URL(`https://${host}/`)), host);
});

t.test('addresses of the public internet, and all others', async (t) => {
  const inside = [
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '127.0.0.1',
    '100.64.0.1',
    '169.254.1.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    'no address',
  ];
  for (const address of inside) t.ok(isPrivate(address), address);
  for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1'])
    t.notOk(isPrivate(address), address);
});
