// Publishes the package, with the prebuilt binaries of every platform that lie in prebuilds/. Without `--publish` npm only says what
// it would do. The version is the tag's where a tag is built.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const publish = process.argv.includes('--publish');
const { GITHUB_REF_NAME: tag, GITHUB_REPOSITORY: repository } = process.env;

/** How binaries of each platform begin: ELF and Mach-O, with the offset and the value of the processor's number. */
const platforms = {
  'darwin-arm64': { magic: 0xfeedfacf, offset: 4, processor: 0x0100000c },
  'linux-x64': { magic: 0x464c457f, offset: 18, processor: 62 },
  'linux-arm64': { magic: 0x464c457f, offset: 18, processor: 183 },
};

function check(holds, message) {
  if (holds) return;
  console.error(`[release] ${message}`);
  process.exit(1);
}

const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
check(!tag || tag === `v${description.version}`, `the tag ${tag} is not the version of package.json, ${description.version}`);
if (publish) {
  check(repository, 'GITHUB_REPOSITORY does not say which repository builds the package: npm wants to know it with the provenance');
  // npm compares them when it checks the statement of where the package was built. A fork may publish under its own name.
  const url = `git+https://github.com/${repository}.git`;
  const stated = description.repository?.url ?? url;
  check(stated === url, `package.json's repository, ${stated}, is not ${repository}, which builds it`);
  run('npm', 'pkg', 'set', 'repository.type=git', `repository.url=${url}`);
}
for (const [platform, { magic, offset, processor }] of Object.entries(platforms)) {
  const folder = join(root, 'prebuilds', platform);
  const addons = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.node')) : [];
  check(addons.length === 1, `prebuilds/${platform} holds ${addons.length} addons: scripts/prebuild.mjs makes one on that platform`);
  const bytes = readFileSync(join(folder, addons[0]));
  const found = offset === 4 ? bytes.readUInt32LE(offset) : bytes.readUInt16LE(offset);
  check(bytes.readUInt32LE(0) === magic && found === processor, `prebuilds/${platform}/${addons[0]} is of another platform`);
}

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  check(status === 0, `${command} ${args.join(' ')} failed`);
}

if (!existsSync(join(root, 'node_modules'))) run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
run(process.execPath, join(root, 'scripts', 'build-lib.mjs'));
run(process.execPath, join(root, 'scripts', 'check-package.mjs'));
run('npm', 'publish', '--ignore-scripts', '--access', 'public', ...(publish ? ['--provenance'] : ['--dry-run']));
