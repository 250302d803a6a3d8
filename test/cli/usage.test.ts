import t from 'tap';
import { run } from './command.ts';

const commands = ['run', 'check', 'schema', 'demo'];

t.test('help', async (t) => {
  const whole = [['--help'], ['-h']].map(async (args) => {
    const { code, stdout, stderr } = await run(t, args);
    t.match({ code, stderr }, { code: 0, stderr: '' });
    for (const command of commands) t.match(stdout, new RegExp(`^ {2}${command} `, 'm'), `names ${command}`);
    for (const option of ['--config', '--help', '--version']) t.match(stdout, option);
  });
  const each = commands.map(async (command) => {
    const { code, stdout, stderr } = await run(t, [command, '--help']);
    t.match({ code, stderr }, { code: 0, stderr: '' }, command);
    t.match(stdout, new RegExp(`^usage: jwks-sidecar ${command}`), command);
  });
  await Promise.all([...whole, ...each]);
});

t.test('version', async (t) => {
  const all = [['--version'], ['-V'], ['run', '--version'], ['check', '--version']].map(async (args) => {
    const { code, stdout, stderr } = await run(t, args);
    t.match({ code, stderr }, { code: 0, stderr: '' }, args.join(' '));
    t.match(stdout, /^jwks-sidecar \d+\.\d+\.\d+\S*\n$/, args.join(' '));
  });
  await Promise.all(all);
});

t.test('what is no command or option', async (t) => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['nonsense'], /unknown command "nonsense"/],
    [['nonsense', '--help'], /unknown command "nonsense"/],
    [['constructor'], /unknown command "constructor"/],
    [['__proto__', '--help'], /unknown command "__proto__"/],
    [['--nonsense'], /--nonsense/],
    [['run', '-x'], /-x/],
    [['check', '--config', ''], /--config needs the name of a file/],
    [['run', 'more'], /takes no argument "more"/],
    [['check', 'sidecar.yaml'], /takes no argument "sidecar.yaml"/],
    [['run', '--online'], /takes no --online/],
    [['schema', '--config', 'x'], /takes no --config/],
    [['check', '--once'], /takes no --once/],
    [['check', '--config'], /--config/],
    [['check', '--online=yes'], /--online/],
  ];
  const all = cases.map(async ([args, says]) => {
    const { code, stdout, stderr } = await run(t, args);
    t.match({ code, stdout }, { code: 2, stdout: '' }, args.join(' '));
    t.match(stderr, says, args.join(' '));
    t.match(stderr, /^jwks-sidecar: .*\nTry "jwks-sidecar --help"\.\n$/s, args.join(' '));
    t.notMatch(stderr, /^ {4}at /m, 'no stack');
  });
  await Promise.all(all);
});

t.test('schema', async (t) => {
  const { code, stdout, stderr } = await run(t, ['schema']);
  t.match({ code, stderr }, { code: 0, stderr: '' });
  const schema = JSON.parse(stdout);
  t.match(schema, { type: 'object', required: ['upstream', 'issuers'], additionalProperties: false });
  const sections = [
    'listen',
    'admin',
    'upstream',
    'upstreams',
    'issuers',
    'token',
    'identity',
    'rules',
    'paths',
  ];
  t.match(Object.keys(schema.properties), new Set([...sections, 'failureLimit', 'log', 'drain', 'mode']));
  for (const name of sections) t.ok(name in schema.properties, name);
});
