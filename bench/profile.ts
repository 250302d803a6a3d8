import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What this reads of a profile by `node --cpu-prof`. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const root = fileURLToPath(new URL('../', import.meta.url));
const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: npm run bench:profile -- FILE.cpuprofile\n');
  process.exit(2);
}
const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
const shares = new Map<string, number>();
let busy = 0;
for (const [index, sample] of profile.samples.entries()) {
  const { functionName, url } = nodes.get(sample) ?? { functionName: '', url: '' };
  if (functionName === '(idle)') continue;
  const delta = profile.timeDeltas[index] ?? 0;
  busy += delta;
  const place = placeOf(url, functionName);
  shares.set(place, (shares.get(place) ?? 0) + delta);
}
for (const [place, time] of [...shares].sort(([, a], [, b]) => b - a)) {
  const share = (100 * time) / busy;
  if (share >= 0.5) process.stdout.write(`${share.toFixed(1).padStart(5)} %  ${place}\n`);
}

/** Whose code it is: a package, a folder of ours, Node's own JavaScript, or what runs below JavaScript. */
function placeOf(url: string, functionName: string): string {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (name !== undefined) return name;
  if (url.startsWith('node:')) return url.replace(/^(node:(?:internal\/)?[^/]+).*/, '$1');
  const own = url.replace('file://', '');
  if (own.startsWith(root)) return own.slice(root.length).split('/').slice(0, 2).join('/');
  return functionName.startsWith('(') ? functionName : `below JavaScript: ${functionName}`;
}
