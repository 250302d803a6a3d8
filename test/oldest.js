// Runs before the tests, in plain JavaScript: the tests are TypeScript, whose types Node.js strips itself since 22.18.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `The tests need Node.js 22.18 or later; this is Node.js ${process.versions.node}.\n` +
      'npm ci installs one for development, unless install scripts are off (ignore-scripts).\n',
  );
  process.exit(2);
}
