/**
 * Puts the compiled ES modules of a folder together: one file for each floor of the layout, and the entrances over them. A
 * hundred files that are loaded one by one cost a program more than the code in them (docs/decisions, 17). The names in
 * them stay, and their source maps lead to the sources.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { rollup } from 'rollup';

/** What the compiler has written, with its source maps. */
const compiled = {
  name: 'compiled',
  load: (path) => ({ code: readFileSync(path, 'utf8'), map: readFileSync(`${path}.map`, 'utf8') }),
};

/** `entrances`: the paths in the folder that programs know. Declarations stay as they are. */
export async function bundle(folder, entrances) {
  const paths = new Set(entrances.map((entrance) => join(folder, entrance)));
  const floorOf = (path) => (paths.has(path) ? undefined : `floors/${relative(folder, path).split(sep)[0]}`);
  const modules = await rollup({
    input: Object.fromEntries(entrances.map((entrance) => [entrance.replace(/\.js$/, ''), join(folder, entrance)])),
    external: (name) => !name.startsWith('.') && !isAbsolute(name),
    treeshake: false,
    plugins: [compiled],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  removeModules(folder);
  await modules.write({
    dir: folder,
    format: 'es',
    generatedCode: 'es2015',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    manualChunks: floorOf,
    hoistTransitiveImports: false,
    minifyInternalExports: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await modules.close();
}

function removeModules(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.js(\.map)?$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}
