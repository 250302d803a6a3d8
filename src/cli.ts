#!/usr/bin/env node
// Nothing is imported before the version of Node.js is known: an older one would fail at a name or at a piece of syntax
// that it does not know, with a stack in place of a sentence.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `jwks-sidecar needs Node.js 22.13 or later; this is Node.js ${process.versions.node}.\n`,
  );
  process.exit(2);
}
void import('./cli/main.ts');
