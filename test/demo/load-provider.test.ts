import t from 'tap';
import { DemoUnavailableError, loadProvider } from '../../src/demo/load-provider.ts';

const failing = (error: Error) => () => Promise.reject(error);

t.test('says how to get what is missing', async (t) => {
  const missing = failing(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
  const error = await loadProvider(missing).catch((cause: unknown) => cause);
  t.type(error, DemoUnavailableError);
  t.match(error, { code: 'DEMO_UNAVAILABLE', message: /npm ci && npm run demo/ });
});

t.test('passes any other failure on', async (t) => {
  await t.rejects(loadProvider(failing(new TypeError('broken'))), new TypeError('broken'));
});
