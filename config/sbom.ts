// Writes the software bill of materials of what runs in production, as CycloneDX.
// It is made from the lockfile alone: the same lockfile gives the same bytes, whatever the machine and the npm.
//
//   node config/sbom.ts [FILE]    default: build/sbom.cdx.json
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { productionPackages } from './dependencies.ts';

/** The members of CycloneDX 1.5 that are looked at; the rest passes as npm writes it. */
interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
}
interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const root = resolve(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'build/sbom.cdx.json'));
/** Seconds, as https://reproducible-builds.org/specs/source-date-epoch/ has it. Without it the bill bears no date. */
const epoch = process.env.SOURCE_DATE_EPOCH;

function readJson(file: string) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

/**
 * npm's own bill of a folder that holds nothing but the production part of manifest and lockfile. Its `--omit dev`
 * would also leave out what is for production and for development of something else.
 */
function ask(): Bom {
  const { devDependencies: _one, ...manifest } = readJson('package.json');
  const lock = readJson('package-lock.json');
  const { '': project, ...packages } = productionPackages(lock);
  const { devDependencies: _other, ...own } = project as unknown as Record<string, unknown>;
  const place = mkdtempSync(join(tmpdir(), 'sbom-'));
  try {
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
    const text = JSON.stringify({ ...lock, packages: { '': own, ...packages } });
    writeFileSync(join(place, 'package-lock.json'), text);
    const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--offline'];
    return JSON.parse(
      execFileSync('npm', args, { cwd: place, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
    );
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** What differs from npm to npm or from machine to machine is left out: where packages came from and lay, and who asked. */
function settle(component: Component): Component {
  const {
    properties: _where,
    externalReferences: _from,
    ...rest
  } = component as Component & {
    readonly properties?: unknown;
    readonly externalReferences?: unknown;
  };
  return rest;
}

/** Sorted, and without repetitions, which npm 10 has and CycloneDX forbids. */
function unique<T>(all: readonly T[], key: (one: T) => string): readonly T[] {
  const byKey = new Map(all.map((one) => [key(one), one]));
  return [...byKey.keys()].toSorted().map((each) => byKey.get(each) as T);
}

/** A name-based UUID (RFC 9562 section 5.8) of a text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16] as string, 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function render(bom: Bom): string {
  // A folder's name is no product's.
  const { name } = readJson('package.json');
  const component = { ...settle(bom.metadata.component), type: 'application', name };
  const content = {
    version: 1,
    metadata: {
      ...(epoch !== undefined && { timestamp: new Date(Number(epoch) * 1000).toISOString() }),
      lifecycles: [{ phase: 'pre-build' }],
      component,
    },
    components: unique(bom.components, (each) => each['bom-ref']).map(settle),
    dependencies: unique(bom.dependencies, ({ ref }) => ref).map(({ ref, dependsOn = [] }) => ({
      ref,
      dependsOn: dependsOn.toSorted(),
    })),
  };
  const head = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
  };
  return `${JSON.stringify({ ...head, ...content }, null, 2)}\n`;
}

const text = render(ask());
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, text);
