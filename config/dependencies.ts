/** What a lockfile says of a folder; https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  /** By folder; the project itself is ``. */
  readonly packages: Readonly<Record<string, Locked>>;
}

/** A package that runs in production. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  /** SPDX, as its author gives it; `unknown` where none is given. */
  readonly license: string;
  /** From the root of the project. */
  readonly folder: string;
  /** The direct dependencies that need it; itself where it is one. */
  readonly comesWith: readonly string[];
}

/** Everything but what is for development alone, by folder. */
export function productionPackages({ packages }: Lockfile): Readonly<Record<string, Locked>> {
  return Object.fromEntries(
    Object.entries(packages).filter(([, { dev, devOptional }]) => !dev && !devOptional),
  );
}

/** The production dependencies of a lockfile, by name. */
export function readDependencies(lock: Lockfile): readonly Dependency[] {
  const { '': project, ...packages } = productionPackages(lock);
  const roots = Object.keys(project?.dependencies ?? {}).map((name) => ({
    name,
    reached: reach(`node_modules/${name}`, packages),
  }));
  return Object.entries(packages)
    .map(([folder, { version, license = 'unknown' }]) => ({
      name: folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
      folder,
      comesWith: roots.filter(({ reached }) => reached.has(folder)).map(({ name }) => name),
    }))
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** The folders that Node may load from once it has loaded one. */
function reach(start: string, packages: Lockfile['packages']): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const folder of reached) {
    for (const name of Object.keys(packages[folder]?.dependencies ?? {})) {
      const found = resolve(folder, name, packages);
      if (found !== null) reached.add(found);
    }
  }
  return reached;
}

/** The folder that an import by name leads to: the nearest one, as Node looks for it. Null: it is not there. */
function resolve(from: string, name: string, packages: Lockfile['packages']): string | null {
  const candidate = `${from}${from === '' ? '' : '/'}node_modules/${name}`;
  if (Object.hasOwn(packages, candidate)) return candidate;
  if (from === '') return null;
  return resolve(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name, packages);
}

const begin = '<!-- what follows is generated: npm run generate -->';
const end = '<!-- the end of what is generated -->';

/** A page whose table of transitive dependencies is that of the lockfile. Throws where the page has no place for it. */
export function renderDependencies(page: string, lock: Lockfile): string {
  const [head, rest] = page.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error('the page has no place for the table');
  // One that is there in two versions is one row, unless their licenses differ.
  const byPackage = new Map<string, ReadonlySet<string>>();
  for (const { name, license, comesWith } of readDependencies(lock)) {
    if (comesWith.includes(name)) continue;
    const cells = `| ${name} | ${license} |`;
    byPackage.set(cells, new Set([...(byPackage.get(cells) ?? []), ...comesWith]));
  }
  const rows = [...byPackage].map(([cells, roots]) => `${cells} ${[...roots].toSorted().join(', ')} |`);
  const table = ['| package | license | comes with |', '|---|---|---|', ...rows].join('\n');
  return `${head}${begin}\n\n${table}\n\n${end}${tail}`;
}

/** The same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
