import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { closeServer } from '../../src/demo/close-server.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { request } from '../helpers/request.ts';
import { accepting, freePort } from './peer.ts';

export interface Target {
  /** Of every sample, `job` and `instance` among them. */
  readonly labels: Readonly<Record<string, string>>;
  /** What a scrape gets. */
  metrics(): Promise<string>;
}

export interface PrometheusOptions {
  /** The program. */
  readonly path: string;
  readonly targets: readonly Target[];
  /** A file of rules; evaluated as often as is scraped. */
  readonly rules: string;
}

export interface Prometheus {
  /** The part `data` of an answer of its API. */
  ask<T>(path: string, parameters?: Readonly<Record<string, string>>): Promise<T>;
  /** The result of an instant query: series and their values. */
  query(expr: string): Promise<readonly Sample[]>;
  /** Resolves once every target has been scraped again, from now on. */
  scraped(): Promise<void>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Starts Prometheus for as long as a test runs; what it scrapes passes through the test, which so learns when it does. */
export async function startPrometheus(t: Test, options: PrometheusOptions): Promise<Prometheus> {
  const scrapes = new EventEmitter().setMaxListeners(0);
  const server = createServer((incoming, response) => {
    const index = Number(incoming.url?.slice(1));
    options.targets[index]?.metrics().then(
      (text) => {
        response.setHeader('content-type', 'text/plain; version=0.0.4').end(text);
        scrapes.emit(String(index));
      },
      () => response.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => closeServer(server));
  const port = await freePort();
  await run(t, options, { port, scraped: (server.address() as AddressInfo).port });

  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> => {
    const search = new URLSearchParams(parameters).toString();
    const answer = await request(`http://127.0.0.1:${port}`, { path: `/api/v1/${path}?${search}` });
    const { status, data, error } = answer.json() as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${error}: ${JSON.stringify(parameters)}`);
    return data;
  };
  return {
    ask,
    query: async (expr) => (await ask<{ result: Sample[] }>('query', { query: expr })).result,
    async scraped() {
      const all = options.targets.map((_, index) => once(scrapes, String(index)));
      await withDeadline(Promise.all(all), 'a scrape of every target');
    },
  };
}

async function run(
  t: Test,
  options: PrometheusOptions,
  ports: { port: number; scraped: number },
): Promise<void> {
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: ['rules.yml'],
    scrape_configs: options.targets.map(({ labels }, index) => ({
      job_name: `target-${index}`,
      metrics_path: `/${index}`,
      static_configs: [{ targets: [`127.0.0.1:${ports.scraped}`], labels: { instance: `target-${index}` } }],
      relabel_configs: Object.entries(labels).map(([target_label, replacement]) => ({
        target_label,
        replacement,
      })),
    })),
  };
  const folder = t.testdir({ 'prometheus.yml': stringify(config), 'rules.yml': options.rules, data: {} });
  const child = spawn(
    options.path,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${ports.port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  t.teardown(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  await accepting(ports.port);
}
